import Foundation
import LibvirtTesting
import LinuxIO
import MemifController
import Testing

@testable import virtwire

@Suite("virtwire doctor")
struct DoctorTests {
    private static let shared = "<memoryBacking><access mode='shared'/></memoryBacking>"
    private static let interface = """
        <interface type='vhostuser'><mac address='52:54:00:aa:bb:01'/>
          <source type='unix' path='/run/x.sock' mode='client'/></interface>
        """

    private static func xml(
        _ inside: String = "", ports: String = "",
        namespace: String = "https://virtwire.dev/xmlns/memif/1"
    ) -> String {
        """
        <domain type='qemu' id='1'><name>vm</name>
          <metadata><m:ports xmlns:m='\(namespace)'>\(ports)</m:ports></metadata>
          \(inside.contains("interface") ? "" : inside)
          <devices>\(inside.contains("interface") ? inside : "")</devices></domain>
        """
    }

    private func examine(
        live: String?, defined: String? = nil, isStarting: Bool = false,
        socket: SocketFileState = .live
    ) throws -> [Symptom] {
        let vm = try #require(VMIdentifier("00000000-0000-4000-8000-000000000001"))
        return DomainExamination(
            name: "vm", vm: vm, live: live, defined: defined, isStarting: isStarting,
            layout: RuntimeLayout(HostConfiguration()), probe: { _ in socket }
        ).symptoms()
    }

    @Test("a healthy domain has no symptom")
    func healthy() throws {
        let port = "<m:port name='lan0'/>"
        let xml = Self.xml(ports: port)
        #expect(try examine(live: xml, defined: xml) == [])
        let wired = """
            <domain>\(Self.shared)<devices>\(Self.interface)</devices></domain>
            """
        #expect(try examine(live: wired) == [])
    }

    @Test("each common mistake is found, and what to do is said")
    func mistakes() throws {
        let noMemory = try examine(live: "<domain><devices>\(Self.interface)</devices></domain>")
        #expect(noMemory.map(\.subject) == ["vm"])
        #expect(noMemory.first?.remedy.contains("<access mode='shared'/>") == true)

        let alone = "<domain>\(Self.shared)<devices>\(Self.interface)</devices></domain>"
        let nobody = try examine(live: nil, defined: alone, socket: .absent)
        #expect(nobody.map(\.subject) == ["vm/52:54:00:aa:bb:01"])
        #expect(nobody.first?.problem.contains("/run/x.sock, where nobody listens") == true)

        let long = alone.replacing(
            "/run/x.sock", with: "/run/" + String(repeating: "x", count: 110))
        #expect(try examine(live: long).first?.problem.contains("115 bytes") == true)

        let wrong = Self.xml(ports: "<m:port name='a'/>", namespace: "https://example.org/memif")
        #expect(try examine(live: wrong).first?.remedy == "write \(DeclaredPorts.namespace)")

        let now = Self.xml(ports: "<m:port name='a'/>")
        let then = Self.xml(ports: "<m:port name='b'/>")
        let half = try examine(live: now, defined: then)
        #expect(half.map(\.subject) == ["vm/a", "vm/b"])
        #expect(half.allSatisfy { $0.remedy.contains("virsh metadata --config --live") })

        let bad = try examine(live: Self.xml(ports: "<m:port name='a' queues='0'/>"))
        #expect(bad.first?.problem.contains("attribute queues") == true)
        #expect(try examine(live: now, isStarting: true).first?.problem.contains("hangs") == true)
    }

    @Test(
        "a vhost-user socket in the daemon's own directory is one symptom, and not who is to listen"
    )
    func ownDirectory() throws {
        let interface = Self.interface.replacing("/run/x.sock", with: "/run/virtwire/vhost/x.sock")
        let xml = "<domain>\(Self.shared)<devices>\(interface)</devices></domain>"
        let found = try examine(live: xml, socket: .absent)
        #expect(found.map(\.subject) == ["vm"])
        #expect(found.first?.problem.contains("nobody will ever serve that path") == true)
    }

    @Test("a user who cannot reach a socket is told the first obstacle and the way around it")
    func reachability() throws {
        let directory = "/tmp/vwdoc-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try Directory.ensure(directory, mode: 0o755)
        try Directory.ensure(directory + "/vm", mode: 0o3770, group: 1)
        let socket = directory + "/vm/a.sock"
        try File.replace(socket, with: [])
        let stranger = Reachability(user: 65534, groups: [65534])
        let member = Reachability(user: 65534, groups: [1, 65534])
        #expect(stranger.obstacle(to: socket)?.subject == directory + "/vm")
        #expect(stranger.obstacle(to: socket)?.remedy.contains("into the group daemon") == true)
        // The directory is open to the member, the file (0600) is not.
        #expect(member.obstacle(to: socket)?.subject == socket)
        #expect(Reachability(user: 0, groups: []).obstacle(to: socket) == nil)
        // What is not there yet is nobody's obstacle.
        #expect(member.obstacle(to: directory + "/other/b.sock") == nil)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o700], ofItemAtPath: directory)
        #expect(
            member.obstacle(to: socket)?.remedy == "let others enter it: chmod o+x \(directory)")
    }

    @Test("command lines of peers have the port's socket, id, queues and place for its secret")
    func peers() throws {
        let xml = Self.xml(ports: "<m:port name='a' id='7' queues='2' secret-ref='s'/>")
        let port = try #require(DeclaredPorts.read(fromDomainXML: xml).ports.first)
        let peer = PeerCommands(vm: "vm", port, socket: "/run/a.sock")
        #expect(peer.testpmd.contains("id=7,socket=/run/a.sock,socket-abstract=no,secret=SECRET"))
        #expect(peer.testpmd.hasSuffix("--rxq=2 --txq=2"))
        #expect(peer.vpp.contains("memif id 7 socket-id 1 slave rx-queues 2 tx-queues 2 secret"))
        #expect(peer.vpp.hasPrefix("create memif socket id 1 filename /run/a.sock\n"))
        #expect(peer.vpp.hasSuffix("\nset interface state memif1/7 up"))
        let second = PeerCommands(vm: "vm", port, socket: "/run/b.sock", number: 2)
        #expect(second.vpp.hasPrefix("create memif socket id 2 filename /run/b.sock\n"))
        #expect(second.vpp.contains("socket-id 2 slave") && second.vpp.contains(" memif2/"))
        #expect(PeerCommands.hint.contains("socket-abstract=no"))
        #expect(peer.lines.count { $0.hasPrefix("  VPP: ") } == 3)
        #expect(peer.virtwire.contains("--id 7 --mode tx --secret SECRET"))
    }

    @Test("the article on peers has the command lines that doctor prints")
    func article() throws {
        let text = try String(
            contentsOf: URL(fileURLWithPath: #filePath).appendingPathComponent(
                "../../../Sources/MemifController/Documentation.docc/ConnectingPeers.md"
            ).standardized, encoding: .utf8)
        let vm = "11111111-2222-3333-4444-555555555555"
        let peer = PeerCommands(
            vm: "web", PortDeclaration(name: "lan0"), socket: "/run/virtwire/vm/\(vm)/lan0.sock")
        for command in [peer.vpp, peer.testpmd, peer.virtwire] {
            #expect(text.contains("```\n\(command)\n```"), "\(command)")
        }
    }

    @Test("on a real libvirtd without a daemon: that is what it finds, with a domain's commands")
    func real() async throws {
        try await DomainCommandTests().withLibvirtd { uri, directory in
            // Holds the test driver's state, which goes with its last connection.
            let holder = try ProgramRun("virtwire", ["events", "-c", uri])
            #expect(await holder.nextLine() != nil)
            let defined = try await ProgramRun.run(
                "virtwire", "-c", uri, "domain", "define", "-", input: DomainCommandTests.xml)
            try #require(defined.status == 0, "\(defined.errors)")
            let run = try await ProgramRun.run(
                "virtwire", "doctor", "cli", "-c", uri, "--runtime-directory", directory + "/run",
                "--format", "json")
            #expect(run.status == 1)
            #expect(run.output.contains("does not answer"))
            #expect(run.output.contains("\(directory)/run/vm/\(DomainCommandTests.uuid)/lan0.sock"))
            let missing = try await ProgramRun.run(
                "virtwire", "doctor", "-c", "test+unix:///default?socket=\(directory)/none",
                "--runtime-directory", directory + "/run")
            #expect(missing.status == 1)
            #expect(
                missing.output.contains("libvirt") && missing.output.contains("cannot be asked"))
            let user = try await ProgramRun.run(
                "virtwire", "doctor", "--user", "nobody-of-this-name")
            #expect(user.status == 2)
        }
    }

    @Test("a domain that is kept as it crashed is looked at as it runs")
    func crashed() async throws {
        try await DomainCommandTests().withLibvirtd { uri, directory in
            // It has no definition: what it has is the XML of its run.
            let state = """
                <test:runstate xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>6</test:runstate>
                <test:transient xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>1</test:transient>
                </domain>
                """
            let xml = DomainCommandTests.xml.replacing("</domain>", with: state)
            try File.replace("\(directory)/node.xml", with: Array("<node>\(xml)</node>".utf8))
            let node = uri.replacing("/default", with: "\(directory)/node.xml")
            let listed = try await ProgramRun.run("virtwire", "domain", "list", "-c", node)
            try #require(listed.output.contains("crashed"), "\(listed)")
            let run = try await ProgramRun.run(
                "virtwire", "doctor", "cli", "-c", node, "--runtime-directory", directory + "/run")
            #expect(run.output.contains("\(directory)/run/vm/\(DomainCommandTests.uuid)/lan0.sock"))
        }
    }
}
