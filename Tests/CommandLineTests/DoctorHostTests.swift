import Foundation
import LinuxIO
import MemifController
import Testing

@testable import virtwire

@Suite("virtwire doctor and the host")
struct DoctorHostTests {
    private static let capabilities = """
        <capabilities><host><cpu/>
          <secmodel><model>apparmor</model><doi>0</doi></secmodel>
          <secmodel><model>dac</model><doi>0</doi>
            <baselabel type='kvm'>+64055:+994</baselabel>
            <baselabel type='qemu'>+64055:+994</baselabel></secmodel>
        </host></capabilities>
        """

    /// A directory that goes with the body.
    private static func withDirectory(_ body: (String) throws -> Void) throws {
        let path = "/tmp/vwdoc-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        try Directory.ensure(path, mode: 0o755)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    private func host(
        _ secrets: String = "/nowhere",
        probe: @escaping (String) -> SocketFileState? = { _ in .live },
        daemons: [Int32] = [1]
    ) -> HostExamination {
        HostExamination(
            layout: RuntimeLayout(HostConfiguration()), secretsDirectory: secrets, probe: probe,
            daemons: { daemons })
    }

    @Test("QEMU's user and group are taken from libvirt's capabilities, where they tell")
    func account() {
        let account = QEMUAccount(capabilities: Self.capabilities)
        #expect(account?.user == 64055 && account?.group == 994)
        #expect(QEMUAccount(capabilities: "<capabilities><host/></capabilities>") == nil)
        #expect(
            QEMUAccount(capabilities: Self.capabilities.replacing(">dac<", with: ">selinux<"))
                == nil)
        #expect(QEMUAccount(capabilities: Self.capabilities.replacing("+994", with: "kvm")) == nil)
        #expect(QEMUAccount.unknown.problem.contains("as which user and group QEMU runs"))
        #expect(QEMUAccount.unknown.remedy.contains("qemu.conf"))
    }

    @Test("a socket that QEMU's group cannot open is told with the group and the way around it")
    func qemu() throws {
        try Self.withDirectory { directory in
            let socket = "\(directory)/x.sock"
            try File.replace(socket, with: [])
            let account = try #require(QEMUAccount(capabilities: Self.capabilities))
            let xml = """
                <domain id='1'><memoryBacking><access mode='shared'/></memoryBacking><devices>
                <interface type='vhostuser'><source path='\(socket)' mode='client'/>
                <alias name='ua-lan0'/></interface></devices></domain>
                """
            let vm = try #require(VMIdentifier("00000000-0000-4000-8000-000000000001"))
            var domain = DomainExamination(
                name: "vm", vm: vm, live: xml, defined: nil, isStarting: false,
                layout: RuntimeLayout(HostConfiguration()), probe: { _ in .live })
            #expect(domain.hasClientInterfaces)
            #expect(domain.symptoms() == [])
            domain.qemu = account.reachability
            let found = domain.symptoms()
            #expect(found.map(\.subject) == ["vm/ua-lan0"])
            #expect(found.first?.problem.contains("cannot be read and written by user") == true)
            #expect(found.first?.remedy.contains("mode 0660") == true)
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o666], ofItemAtPath: socket)
            // QEMU needs not read the directory.
            #expect(domain.symptoms() == [])
        }
    }

    @Test("a port whose path is too long, or has a foreign file in its place, is told")
    func sockets() throws {
        let name = String(repeating: "n", count: 40)
        let xml = """
            <domain id='1'><metadata><m:ports xmlns:m='https://virtwire.dev/xmlns/memif/1'>
            <m:port name='\(name)'/></m:ports></metadata></domain>
            """
        let vm = try #require(VMIdentifier("00000000-0000-4000-8000-000000000001"))
        var configuration = HostConfiguration()
        var domain = DomainExamination(
            name: "vm", vm: vm, live: xml, defined: nil, isStarting: false,
            layout: RuntimeLayout(configuration), probe: { _ in .foreign })
        #expect(
            domain.symptoms().first?.problem.contains("no socket at its socket's place") == true)
        #expect(
            domain.symptoms().first?.remedy.hasPrefix("move it away: mv /run/virtwire/vm/") == true)
        configuration.runtimeDirectory = "/run/" + String(repeating: "d", count: 30)
        domain = DomainExamination(
            name: "vm", vm: vm, live: xml, defined: nil, isStarting: false,
            layout: RuntimeLayout(configuration), probe: { _ in .live })
        #expect(domain.symptoms().first?.problem.contains("an address holds 107") == true)
        #expect(domain.symptoms().first?.remedy.contains("shorter") == true)
    }

    @Test("a foreign file at the control socket's place, and a second daemon, are told")
    func daemon() {
        #expect(host().symptoms() == [])
        let foreign = host(probe: { $0.hasSuffix("control.sock") ? .foreign : .live }).symptoms()
        #expect(foreign.map(\.subject) == ["/run/virtwire/control.sock"])
        #expect(foreign.first?.remedy.hasPrefix("move it away") == true)
        let two = host(daemons: [10, 20]).symptoms()
        #expect(two.first?.problem.contains("runs 2 times (processes 10, 20)") == true)
        #expect(two.first?.remedy.contains("stop all but one") == true)
    }

    @Test("secrets that are missing, open to others or too long are told, with what to type")
    func secrets() throws {
        try Self.withDirectory { directory in
            let host = host(directory)
            func found(_ name: String) throws -> Symptom? {
                let xml = """
                    <domain><metadata><m:ports xmlns:m='https://virtwire.dev/xmlns/memif/1'>
                    <m:port name='a' secret-ref='\(name)'/></m:ports></metadata></domain>
                    """
                return host.secretSymptoms(DeclaredPorts.read(fromDomainXML: xml).ports).first
            }
            let missing = try #require(try found("absent"))
            #expect(missing.subject == "secret absent")
            #expect(missing.remedy.hasSuffix("/dev/stdin \(directory)/absent"))
            try File.replace("\(directory)/s", with: Array("open sesame\n".utf8))
            #expect(try found("s") == nil)
            try File.setMode("\(directory)/s", 0o644)
            #expect(
                try found("s")?.remedy == "let the daemon alone read it: chmod 0600 \(directory)/s")
            try File.replace("\(directory)/long", with: [UInt8](repeating: 0x61, count: 40))
            #expect(try found("long")?.problem.contains("text of 1 to 24 bytes") == true)
            // While it changes: the new one, and below it the former.
            let line = [UInt8](repeating: 0x61, count: 24) + [0x0A]
            try File.replace("\(directory)/two", with: line + line)
            #expect(try found("two") == nil)
            for text in ["", "\n", "new\n\n", "a\nb\nc", "a\0"] {
                try File.replace("\(directory)/odd", with: Array(text.utf8))
                #expect(try found("odd") != nil, "\(text)")
            }
        }
    }

    @Test("what the daemon says of a port's refusal is told with its rule")
    func policy() async throws {
        let directory = "/tmp/vwdoc-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try Directory.ensure(directory, mode: 0o755)
        try File.replace(
            "\(directory)/d.yaml",
            with: Array("policy: {default: {queues: 1}}".utf8))
        try await DomainCommandTests().withLibvirtd { uri, _ in
            // Holds the test driver's state, which goes with its last connection.
            let holder = try ProgramRun("virtwire", ["events", "-c", uri])
            #expect(await holder.nextLine() != nil)
            let xml = DomainCommandTests.xml.replacing(
                "name='lan0'", with: "name='lan0' queues='2'")
            try #require(xml != DomainCommandTests.xml)
            let defined = try await ProgramRun.run(
                "virtwire", "-c", uri, "domain", "define", "-", input: xml)
            try #require(defined.status == 0, "\(defined.errors)")
            let daemon = try ProgramRun(
                "virtwired",
                [
                    "-c", uri, "--runtime-directory", "\(directory)/run", "--state-directory",
                    "\(directory)/state", "--config", "\(directory)/d.yaml",
                ])
            let end = ContinuousClock.now + .seconds(30)
            var output = ""
            while ContinuousClock.now < end, !output.contains("rule 'default' allows 1") {
                output = try await ProgramRun.run(
                    "virtwire", "doctor", "-c", uri, "--runtime-directory", "\(directory)/run"
                ).output
            }
            #expect(output.contains("rule 'default' allows 1"), "\(output)")
            #expect(output.contains("have the rule changed"))
            daemon.signal(SIGTERM)
            _ = await daemon.ended()
        }
    }
}
