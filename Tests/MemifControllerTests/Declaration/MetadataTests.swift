import Testing

@testable import MemifController

@Suite("Ports declared in metadata")
struct MetadataTests {
    private func read(_ ports: String) -> DeclaredPorts {
        DeclaredPorts.read(fromDomainXML: Sample.xml(ports))
    }

    @Test(
        "a domain's name is read where libvirt prints it, and not guessed",
        arguments: [
            ("<domain type='test' id='1'>\n  <name>web</name><uuid/></domain>", "web"),
            ("<domain><name>a &lt;b&gt; &amp;lt; &quot;c&apos;</name></domain>", "a <b> &lt; \"c'"),
            ("<domain><name>tab&#9;</name></domain>", nil),
            ("<domain><title><name>x</name></title><name>y</name></domain>", nil),
            ("<domain>", nil), ("", nil),
        ])
    func names(xml: String, name: String?) {
        #expect(DomainDocument.name(in: xml) == name)
    }

    @Test("every attribute is read")
    func everything() {
        let declared = read(
            """
            <memif:port name="lan0" id="7" mode="ethernet" queues="4" ring-size="256" buffer-size="4096"
                attach="responder" address="192.0.2.1/24" group="vpp" owner="dpdk" link="always"
                linger="1500ms" secret-ref="tenant-a"/>
            """)
        let expected = Sample.port("lan0") { port in
            port.id = 7
            port.queues = 4
            port.ringSize = 256
            port.bufferSize = 4096
            port.attachment =
                InterfaceAddress("192.0.2.1/24").map(PortAttachment.responder) ?? .none
            port.group = "vpp"
            port.owner = "dpdk"
            port.link = .always
            port.linger = .milliseconds(1500)
            port.secretReference = "tenant-a"
        }
        #expect(declared.ports == [expected])
        #expect(declared.findings.isEmpty)
    }

    @Test("what is left out has the schema's defaults, and only our elements in metadata count")
    func defaults() {
        let declared = read("<memif:port name='a'/><memif:port name='b'/>")
        #expect(declared.ports == [PortDeclaration(name: "a"), PortDeclaration(name: "b")])
        #expect(declared.findings.isEmpty)
    }

    @Test("the prefix is the author's choice, and there may be none")
    func prefixes() {
        let xml = """
            <domain><metadata><ports xmlns='\(DomainDocument.namespace)'><port name='a'/></ports>
            <x:ports xmlns:x='urn:another'><x:port name='b'/></x:ports></metadata></domain>
            """
        #expect(DeclaredPorts.read(fromDomainXML: xml).ports == [PortDeclaration(name: "a")])
    }

    @Test("a domain without metadata asks for nothing")
    func nothing() {
        #expect(
            DeclaredPorts.read(fromDomainXML: "<domain><name>x</name></domain>") == DeclaredPorts())
    }

    @Test("unknown attributes and elements are warned of, and the port is provided")
    func unknown() {
        let declared = read(
            "<memif:port name='a' queue='2' other:x='1' xmlns:other='urn:o'><x/></memif:port><memif:wire/>"
        )
        #expect(declared.ports == [PortDeclaration(name: "a")])
        #expect(declared.findings.map(\.severity) == [.warning, .warning, .warning])
        #expect(declared.findings.map(\.attribute) == ["queue", nil, nil])
        #expect(declared.findings.map(\.port) == ["a", "a", nil])
    }

    @Test("a port that cannot be understood is named, and harms no other")
    func malformed() {
        let declared = read(
            "<memif:port name='a' queues='many'/><memif:port name='b'/><memif:port id='1'/>")
        #expect(declared.ports == [PortDeclaration(name: "b")])
        #expect(declared.malformed == ["a"])
        #expect(
            declared.findings.map(\.description) == [
                "memif:port[1] 'a', attribute queues: 'many' is out of place; "
                    + "write a whole number from 1 to 255",
                "memif:port[3], attribute name: is missing; "
                    + "give the port a name of its own, such as name='lan0'",
            ])
    }

    /// Attributes of a port, and which of them is against the rules.
    static let breaches = [
        ("name='../etc'", "name"), ("name=''", "name"), ("name='.hidden'", "name"),
        ("name='a' id='-1'", "id"), ("name='a' id='4294967296'", "id"),
        ("name='a' id='01'", "id"), ("name='a' mode='l2'", "mode"),
        ("name='a' queues='0'", "queues"), ("name='a' queues='256'", "queues"),
        ("name='a' ring-size='1000'", "ring-size"), ("name='a' ring-size='1'", "ring-size"),
        ("name='a' ring-size='32768'", "ring-size"),
        ("name='a' buffer-size='63'", "buffer-size"),
        ("name='a' attach='guest'", "attach"), ("name='a' attach='responder'", "address"),
        ("name='a' attach='responder' address='192.0.2.256/24'", "address"),
        ("name='a' attach='responder' address='192.0.2.1/33'", "address"),
        ("name='a' attach='responder' address='192.0.2.1'", "address"),
        ("name='a' address='192.0.2.1/24'", "address"), ("name='a' group=''", "group"),
        ("name='a' owner='a b'", "owner"), ("name='a' link='up'", "link"),
        ("name='a' linger='10'", "linger"), ("name='a' linger='2h'", "linger"),
        ("name='a' linger='61m'", "linger"), ("name='a' secret-ref='../x'", "secret-ref"),
    ]

    @Test("each attribute has its rule", arguments: breaches)
    func rules(attributes: String, culprit: String) {
        let declared = read("<memif:port \(attributes)/>")
        #expect(declared.ports.isEmpty)
        #expect(declared.findings.map(\.attribute) == [culprit])
        #expect(declared.findings.first?.severity == .error)
        #expect(declared.findings.first?.remedy.isEmpty == false)
    }

    @Test("what cannot be attached to says what can")
    func attachments() {
        let finding = read("<memif:port name='a' attach='guest'/>").findings.first
        #expect(finding?.remedy == "write one of 'none', 'responder'")
    }

    @Test("a name is given once; the second is left out and the first stands")
    func duplicates() {
        let declared = read("<memif:port name='a' id='1'/><memif:port name='a' id='2'/>")
        #expect(declared.ports.map(\.id) == [1])
        #expect(declared.malformed.isEmpty)
        #expect(declared.findings.count == 1)
    }

    @Test("an element of ours in the wrong place makes the whole declaration unreadable")
    func wrongElement() {
        let xml =
            "<domain><metadata><port xmlns='\(DomainDocument.namespace)' name='a'/></metadata></domain>"
        let declared = DeclaredPorts.read(fromDomainXML: xml)
        #expect(declared.isUnreadable)
        #expect(declared.findings.count == 1)
        let good = ["a": PortDeclaration(name: "a")]
        #expect(declared.resolved(lastGood: good) == [PortDeclaration(name: "a")])
    }

    @Test("no text at all is read as a domain, and nothing is taken away because of it")
    func rubbish() {
        for xml in ["", "<", "<domain>", "<network/>", "\u{0}"] {
            #expect(DeclaredPorts.read(fromDomainXML: xml).isUnreadable)
        }
    }

    @Test("attributes written and read again say the same")
    func roundTrip() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let port = Self.anyPort(&random)
            #expect(try PortDeclaration(attributes: port.attributes) == port, "seed \(seed)")
        }
    }

    static func anyPort(_ random: inout SeededGenerator) -> PortDeclaration {
        Sample.port(["a", "lan0", "x.y-z_9"].randomElement(using: &random) ?? "a") { port in
            port.id = UInt32.random(in: 0...3, using: &random)
            port.mode = PortMode.allCases.randomElement(using: &random) ?? .ethernet
            port.queues = Int.random(in: 1...255, using: &random)
            port.ringSize = 1 << Int.random(in: 1...14, using: &random)
            port.bufferSize = Int.random(in: 64...65535, using: &random)
            if port.mode == .ethernet, let address = InterfaceAddress("10.0.0.1/8") {
                port.attachment = .responder(address)
            }
            if Bool.random(using: &random) { port.group = "kvm" }
            if Bool.random(using: &random) { port.owner = "0" }
            port.link = LinkPolicy.allCases.randomElement(using: &random) ?? .follow
            port.linger = .milliseconds(Int.random(in: 0...3_600_000, using: &random))
            if Bool.random(using: &random) { port.secretReference = "tenant" }
        }
    }
}
