import Foundation
import LinuxIO
import Testing

@testable import MemifController
@testable import virtwired

@Suite("Settings in several files")
struct FragmentTests {
    private static func read(_ texts: String...) throws(SettingsError) -> Settings {
        var files: [SettingsFile] = []
        for (index, text) in texts.enumerated() {
            files.append(try SettingsFile("/etc/\(index).yaml", text: Array(text.utf8)))
        }
        let main = files.removeFirst()
        return try Settings(flags: [:], environment: [:], file: main, fragments: files)
    }

    @Test("a later file goes before an earlier one, and lists of rules are joined in their order")
    func merge() throws {
        let settings = try Self.read(
            """
            group: main
            log-level: debug
            policy: {rules: [a], a: {domains: [a-*], ports: 1}, default: {ports: 9}}
            """,
            """
            group: first
            policy: {rules: [b], b: {domains: [b-*]}, a: {ports: 2}}
            ports: {selectors: [x], x: {domains: [x-*], declare: [lan0]}}
            """,
            """
            group: second
            ports: {selectors: [y], y: {domains: [y-*], declare: ["lan1 queues=2"]}}
            """)
        #expect(settings.host.group == "second")
        #expect(settings.logLevel == .debug)
        #expect(settings.host.policy.rules.map(\.name) == ["a", "b"])
        #expect(settings.host.policy.rules.map(\.ports) == [2, 9])
        #expect(settings.host.policy.selectors.map(\.name) == ["x", "y"])
        #expect(settings.host.policy.selectors.last?.ports.first?.queues == 2)
    }

    @Test("the guide's settings can be used as they stand there")
    func guide() throws {
        let guide = URL(fileURLWithPath: #filePath).appendingPathComponent(
            "../../../../Sources/MemifController/Documentation.docc/RunningTheDaemon.md"
        ).standardized
        let text = try String(contentsOf: guide, encoding: .utf8)
        let start = try #require(text.firstRange(of: "```yaml\n")).upperBound
        let end = try #require(text[start...].firstRange(of: "```\n")).lowerBound
        let settings = try Self.read(String(text[start..<end]))
        #expect(settings.host.policy.rules.map(\.name) == ["tenants"])
        #expect(settings.host.policy.selectors.first?.ports.map(\.name) == ["lan0", "lan1"])
        #expect(settings.metricsGroup == "prometheus")
    }

    @Test("the environment's list takes the place of all files'")
    func environment() throws {
        let file = try SettingsFile(
            "/etc/d.yaml", text: Array("policy: {rules: [a], a: {domains: [a]}}".utf8))
        let settings = try Settings(
            flags: [:],
            environment: ["VIRTWIRED_POLICY_RULES": "b", "VIRTWIRED_POLICY_B_DOMAINS": "b"],
            file: nil, fragments: [])
        #expect(settings.host.policy.rules.map(\.name) == ["b"])
        #expect(throws: SettingsError.self) {
            // What the file says of its rule belongs to none now.
            try Settings(
                flags: [:],
                environment: ["VIRTWIRED_POLICY_RULES": "b", "VIRTWIRED_POLICY_B_DOMAINS": "b"],
                file: file)
        }
    }

    @Test(
        "a mistake is told with its file and key",
        arguments: [
            ("grup: x", "/etc/1.yaml: grup is no setting"),
            ("log-level: loud", "/etc/1.yaml: log-level is 'loud'"),
            ("policy: {rules: [a]}", "/etc/1.yaml: policy.rules has 'a'"),
            ("ports: {selectors: [x]}", "ports.x.domains is missing"),
            ("ports: {selectors: [x], x: {domains: [a]}}", "ports.x.declare is missing"),
            ("ports: {selectors: [selectors]}", "/etc/1.yaml: ports.selectors has 'selectors'"),
            ("ports: {y: {domains: [a]}}", "/etc/1.yaml: ports.y.domains is no setting"),
            (
                "ports: {selectors: [x], x: {domains: [a], declare: ['lan0 colour=red']}}",
                "/etc/1.yaml: ports.x.declare cannot be used: a port has no attribute 'colour'"
            ),
            (
                "ports: {selectors: [x], x: {domains: [a], declare: ['lan0 queues=0']}}",
                "attribute queues: '0' is out of place"
            ),
            (
                "ports: {selectors: [x], x: {domains: [a], declare: [lan0, lan0]}}",
                "port 'lan0' stands there twice"
            ),
            (
                "ports: {selectors: [x], x: {domains: [a], declare: ['lan0 queues']}}",
                "'queues' is no attribute"
            ),
            (
                "ports: {selectors: [x], x: {domains: [a], declare: ['lan0 id=1 id=2']}}",
                "attribute id is given twice"
            ),
        ])
    func mistakes(text: String, words: String) {
        do throws(SettingsError) {
            _ = try Self.read("policy: {rules: [a], a: {domains: [a]}}", text)
            Issue.record("\(text) was taken")
        } catch {
            #expect(error.description.contains(words), "\(error)")
            #expect(error.description.contains("; "))
        }
    }

    @Test(
        "of a directory the files that end in .yaml are read, by name; without one there are none")
    func directory() throws {
        let scratch = try Scratch()
        let directory = SettingsFile.directory(beside: "\(scratch.path)/virtwired.yaml")
        #expect(directory == "\(scratch.path)/conf.d")
        #expect(try SettingsFile.fragments(in: directory).isEmpty)
        try Directory.ensure(directory, mode: 0o755)
        for name in ["20.yaml", "10.yaml", ".hidden.yaml", "10.yaml.old", "README"] {
            try File.replace("\(directory)/\(name)", with: Array("group: x".utf8))
        }
        let names = try SettingsFile.fragments(in: directory).map(\.path)
        #expect(names == ["\(directory)/10.yaml", "\(directory)/20.yaml"])
        try File.replace("\(directory)/15.yaml", with: Array("group: 'x".utf8))
        let error = #expect(throws: SettingsError.self) {
            try SettingsFile.fragments(in: directory)
        }
        #expect(error?.description.hasPrefix("\(directory)/15.yaml is not YAML") == true)
    }
}
