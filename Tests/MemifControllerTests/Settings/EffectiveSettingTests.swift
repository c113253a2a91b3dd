import LinuxIO
import Logging
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController
@testable import virtwired

@Suite("Where the value of each setting is from")
struct EffectiveSettingTests {
    private static func effective(
        _ texts: String..., flags: [String: String] = [:], environment: [String: String] = [:]
    ) throws -> [String: EffectiveSetting] {
        var files: [SettingsFile] = []
        for (index, text) in texts.enumerated() {
            files.append(try SettingsFile("/etc/\(index).yaml", text: Array(text.utf8)))
        }
        let sources = SettingsSources(flags: flags, environment: environment, files: files)
        let all = try Settings(sources).effective(from: sources)
        return Dictionary(all.map { ($0.name, $0) }) { first, _ in
            Issue.record("\(first.name) stands there twice")
            return first
        }
    }

    @Test("each setting that there is stands there once, also where nobody has set it")
    func complete() throws {
        let text = """
            policy: {rules: [a, b], a: {domains: [a]}, b: {domains: [b]}}
            ports: {selectors: [x], x: {domains: [x], declare: [lan0]}}
            """
        let all = try Self.effective(text)
        let known = SettingsKey.known(rules: ["a", "b"], selectors: ["x"])
        #expect(Set(all.keys) == Set(known.map { $0.joined(separator: ".") }))
        let bare = try Self.effective()
        #expect(bare.values.allSatisfy { $0.origin == "default" })
        #expect(bare["connect"]?.value == "qemu:///system")
        #expect(bare["policy.default.memory"]?.value == "1GiB")
        #expect(bare["orphan-grace"]?.value == "5s")
        #expect(bare["resync-interval"]?.value == "5m")
        #expect(bare["metrics"]?.value == "")
    }

    @Test("the flag, the variable, or the file and its key")
    func origins() throws {
        let all = try Self.effective(
            "group: main\nadmin-group: main\nlog-level: debug\nmetrics: '[::1]:9464'",
            "admin-group: further\npoll-interval: 1500ms",
            flags: ["runtime-directory": "/run/x"],
            environment: [
                "VIRTWIRED_LOG_LEVEL": "error", "LIBVIRT_DEFAULT_URI": "test:///default",
            ])
        for (name, value, origin) in [
            ("group", "main", "/etc/0.yaml: group"),
            ("admin-group", "further", "/etc/1.yaml: admin-group"),
            ("poll-interval", "1500ms", "/etc/1.yaml: poll-interval"),
            ("metrics", "[::1]:9464", "/etc/0.yaml: metrics"),
            ("log-level", "error", "VIRTWIRED_LOG_LEVEL"),
            ("runtime-directory", "/run/x", "--runtime-directory"),
            ("connect", "test:///default", "LIBVIRT_DEFAULT_URI"),
            ("state-directory", "/var/lib/virtwire", "default"),
        ] {
            #expect(all[name] == EffectiveSetting(name, value, origin: origin))
        }
    }

    @Test(
        "lists of several files name all of them, and what a rule leaves out has the default rule's origin"
    )
    func policy() throws {
        let all = try Self.effective(
            """
            policy: {rules: [a], a: {domains: ["a-*", db], groups: []}, default: {ports: 9}}
            """,
            """
            policy: {rules: [b], b: {domains: [b], memory: 65537}}
            ports: {selectors: [x], x: {domains: [x], declare: ["lan0 ring-size=512 id=1"]}}
            """)
        for (name, value, origin) in [
            ("policy.rules", "[a, b]", "/etc/0.yaml: policy.rules, /etc/1.yaml: policy.rules"),
            ("policy.a.domains", "[a-*, db]", "/etc/0.yaml: policy.a.domains"),
            ("policy.a.groups", "[]", "/etc/0.yaml: policy.a.groups"),
            ("policy.b.groups", "", "default"),
            ("policy.b.ports", "9", "/etc/0.yaml: policy.default.ports"),
            ("policy.b.memory", "65537", "/etc/1.yaml: policy.b.memory"),
            ("ports.selectors", "[x]", "/etc/1.yaml: ports.selectors"),
            ("ports.x.declare", "[lan0 id=1 ring-size=512]", "/etc/1.yaml: ports.x.declare"),
        ] {
            #expect(all[name] == EffectiveSetting(name, value, origin: origin))
        }
    }

    @Test("what a list says is read as it was, whatever its words mean in YAML")
    func quoting() throws {
        let words = #"["*", "a,b", "x: y", "[z]", "say \"\\\"", plain-*]"#
        func value(_ list: String) throws -> String? {
            try Self.effective("policy: {rules: [a], a: {domains: \(list)}}")["policy.a.domains"]?
                .value
        }
        let spelled = try #require(try value(words))
        #expect(spelled == words)
        #expect(try value(spelled) == spelled)
    }

    @Test("read again they keep their order, and what needs a new start keeps its value")
    func readAgain() throws {
        func sources(_ text: String) throws(SettingsError) -> SettingsSources {
            SettingsSources(files: [try SettingsFile("/etc/0.yaml", text: Array(text.utf8))])
        }
        let scratch = try Scratch()
        let daemon = try Daemon(
            scratch.configuration, uri: "fake:///", source: FakeSource(), backend: FakeBackend(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let first = try sources("log-level: error\npoll-interval: 1s")
        let reload = SettingsReload(try Settings(first), from: first, LogThreshold(.error), daemon)
        let before = reload.effective
        reload.perform { () throws(SettingsError) in
            try sources("log-level: error\npoll-interval: 3s\npolicy: {default: {ports: 7}}")
        }
        #expect(reload.effective.map(\.name) == before.map(\.name))
        let values = Dictionary(reload.effective.map { ($0.name, $0.value) }) { $1 }
        #expect(values["poll-interval"] == "1s")
        #expect(values["policy.default.ports"] == "7")
    }

    @Test("whoever administers the daemon is told all of a long value")
    func longValues() {
        let value = String(repeating: "x", count: 5000)
        let reports = DaemonReports(settings: { [EffectiveSetting("a", value, origin: value)] })
        let told = reports.wireSettings.settings.first
        #expect(told?.value.text == value)
        #expect(told?.origin.text == value)
    }

    @Test("a long value takes no room from the other lines")
    func widths() {
        let lines = EffectiveSetting.lines([
            EffectiveSetting("a", String(repeating: "x", count: 5000), origin: "one"),
            EffectiveSetting("b", "y", origin: "two"),
        ])
        #expect(lines[1].hasSuffix("…  one"))
        #expect(lines[2] == "b        y      two")
    }

    @Test("for people it is a table, whose lines no value can break")
    func lines() {
        let lines = EffectiveSetting.lines([
            EffectiveSetting("a", "x\ny", origin: "default"),
            EffectiveSetting("longer", "", origin: "--longer"),
        ])
        #expect(lines.count == 3)
        #expect(lines[0].hasPrefix("SETTING  VALUE"))
        #expect(lines[2].hasPrefix("longer   -"))
        #expect(lines[2].hasSuffix("--longer"))
    }

    @Test(
        "lengths of time are written as they are read",
        arguments: ["0", "7ms", "1500ms", "2s", "3m"])
    func durations(text: String) throws {
        #expect(try #require(Duration(shortForm: text)).shortForm == text)
    }

    @Test("--check --verbose prints them, secrets not among them, and --verbose alone is refused")
    func program() async throws {
        let scratch = try Scratch()
        let secrets = "\(scratch.path)/secrets"
        try Directory.ensure(secrets, mode: 0o700)
        try File.replace("\(secrets)/tenants", with: Array("do not tell".utf8))
        let file = "\(scratch.path)/d.yaml"
        try File.replace(file, with: Array("policy: {default: {secrets: [tenants]}}".utf8))
        let arguments =
            [DaemonProcess.program, "--check", "--verbose"] + DaemonProcess.flags(scratch)
            + ["--config", file, "--secrets-directory", secrets]
        let (status, output) = try await DaemonProcess.run(arguments)
        #expect(status == 0, "\(output)")
        let lines = output.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("connect ") && $0.hasSuffix(" --connect") })
        #expect(
            lines.contains {
                $0.hasPrefix("policy.default.secrets ") && $0.contains("[tenants]")
                    && $0.hasSuffix("\(file): policy.default.secrets")
            })
        #expect(!output.contains("do not tell"))
        let (alone, words) = try await DaemonProcess.run([DaemonProcess.program, "--verbose"])
        #expect(alone == 2)
        #expect(words.contains("--check"), "\(words)")
    }
}
