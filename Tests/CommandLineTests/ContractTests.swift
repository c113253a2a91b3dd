import Foundation
import Testing

@Suite("The command line's contract", .timeLimit(.minutes(2)))
struct ContractTests {
    /// A slave that has nothing to connect to.
    static func slave(_ command: String, _ options: String...) -> [String] {
        ["memif", command, "--role", "slave", "--socket", "/nowhere/sock"] + options
    }

    @Test(
        "a command line that makes no sense ends with 2 and one sentence",
        arguments: [
            ["nonsense"], ["domain", "show"], ["events", "--kind", "weather"],
            ["events", "--count", "0"], ["events", "--format", "poem"],
            ["events", "--timeout", "0"], ["events", "--timeout", "1e300"],
            slave("bench", "--mode", "rx", "--size", "0"),
            slave("bench", "--mode", "rx", "--wait", "inf"),
            slave("bench", "--mode", "rx", "--seconds", "nan"),
            slave("bench", "--mode", "rx", "--ring-size", "3"),
            slave("bench", "--mode", "rx", "--cpu", "\(Int.max)"),
            slave("bench", "--mode", "rx", "--interval", "\(Int.max)"),
            slave("bench", "--mode", "rx", "--secret", String(repeating: "s", count: 25)),
            slave("responder", "--address", "1.2.3"),
            slave("ping", "1.2.3"), slave("ping", "192.0.2.1", "--count", "0"),
            slave("ping", "192.0.2.1", "--size", "41"),
            slave("raw-data", "--size", "5"), slave("raw-data", "--interval", "-1"),
            slave("capture", "f.pcap", "--count", "0"), slave("capture"),
            slave("capture", "-", "--format", "json"),
            ["memif", "bridge", "--a", "tap:x", "--b", "tap:x"],
            ["memif", "bridge", "--a", "tap:x"],
            ["memif", "bridge", "--a", "x.sock", "--b", "tap:x"],
            ["memif", "bridge", "--a", "guest:x.sock", "--b", "tap:x"],
            ["memif", "bridge", "--a", "master:", "--b", "tap:x"],
            ["memif", "bridge", "--a", "master:s,id=x", "--b", "tap:x"],
            ["memif", "bridge", "--a", "master:s,color=red", "--b", "tap:x"],
            ["memif", "bridge", "--a", "master:s", "--b", "tap:a-name-that-is-too-long"],
            ["memif", "bench", "--role", "slave", "--socket", "", "--mode", "rx"],
            ["memif", "add", "vm", "port", "queues"], ["memif", "add", "vm", "p", "--for", "0"],
            ["memif", "prepare", "no-uuid", "vm", "port", "--for", "1"],
            ["memif", "prepare", "11111111-2222-3333-4444-555555555555", "vm", "port"],
            ["status", "--count", "1"], ["status", "--watch", "--interval", "0"],
            ["memif", "stats", "--watch", "--count", "0"],
            ["watch", "--count", "0"], ["support-bundle", "--output"], ["memif", "show", "vm"],
            ["memif", "open", "vm", "port"],
            ["memif", "ping", "192.0.2.1", "--role", "slave", "--socket", "fd:two"],
            ["memif", "ping", "192.0.2.1", "--role", "master", "--socket", "fd:3"],
        ])
    func usage(arguments: [String]) async throws {
        let run = try await ProgramRun("virtwire", arguments).ended()
        #expect(run.status == 2)
        #expect(run.output == "")
        #expect(run.errors.hasPrefix("virtwire: "))
        #expect(run.errors.split(separator: "\n").count == 1, "\(run.errors)")
    }

    @Test("help ends with 0 and stands on standard output")
    func help() async throws {
        let run = try await ProgramRun.run("virtwire", "events", "--help")
        #expect(run.status == 0)
        #expect(run.errors == "")
        #expect(run.output.contains("--timeout"))
    }

    @Test(
        "a daemon that is not there ends with 1, and the sentence says what to look at",
        arguments: [
            ["-c", "test+unix:///default?socket=/nowhere/sock", "domain", "list"],
            ["domain", "list", "--connect=test+unix:///default?socket=/nowhere/sock"],
            ["--connect=test+unix:///default?socket=/nowhere/sock", "events", "--count", "1"],
            ["status", "--runtime-directory", "/nowhere"],
            ["memif", "status", "--runtime-directory", "/nowhere"],
            ["memif", "stats", "--runtime-directory", "/nowhere"],
            ["status", "--watch", "--runtime-directory", "/nowhere"],
            ["plan", "--runtime-directory", "/nowhere"],
            ["settings", "--runtime-directory", "/nowhere"],
            ["watch", "--runtime-directory", "/nowhere"],
            ["drain", "--runtime-directory", "/nowhere"],
            ["drain", "web", "--runtime-directory", "/nowhere"],
            ["memif", "open", "web", "lan0", "--runtime-directory", "/nowhere", "--", "true"],
            slave("bench", "--mode", "rx"), slave("ping", "192.0.2.1"), slave("raw-data"),
        ])
    func unreachable(arguments: [String]) async throws {
        let run = try await ProgramRun("virtwire", arguments).ended()
        #expect(run.status == 1)
        #expect(run.errors.contains("/nowhere"))
        #expect(run.errors.split(separator: "\n").count == 1, "\(run.errors)")
    }

    @Test("what is no memif socket is called that")
    func noSocket() async throws {
        let run = try await ProgramRun.run(
            "virtwire", "memif", "raw-data", "--role", "slave", "--socket", "/dev/null")
        #expect(run.status == 1)
        #expect(run.errors.contains("/dev/null"))
        #expect(run.errors.contains("what stands there is no socket"))
        #expect(run.errors.split(separator: "\n").count == 1, "\(run.errors)")
    }

    @Test("a URI that is none ends with 1 and names it")
    func wrongURI() async throws {
        let run = try await ProgramRun.run("virtwire", "domain", "list", "-c", "no uri at all")
        #expect(run.status == 1)
        #expect(run.errors.contains("no uri at all"))
    }

    @Test("a file to define from that is not there ends with 3")
    func missingFile() async throws {
        let run = try await ProgramRun.run("virtwire", "domain", "define", "/nowhere/domain.xml")
        #expect(run.status == 3)
    }

    @Test("a peer that does not come in time ends with 124")
    func timeout() async throws {
        let run = try await ProgramRun.run(
            "virtwire", "memif", "bench", "--role", "slave", "--socket", "/nowhere/sock",
            "--mode", "rx", "--wait", "0.2")
        #expect(run.status == 124)
        #expect(run.errors.contains("/nowhere/sock"))
    }

    @Test("a master's socket in a directory that cannot be written ends with 1")
    func unwritable() async throws {
        let run = try await ProgramRun.run(
            "virtwire", "memif", "bench", "--role", "master", "--socket", "/proc/self/x.sock",
            "--mode", "rx")
        #expect(run.status == 1)
        #expect(run.errors.contains("/proc/self/x.sock"))
    }

    @Test("a master's socket where another listens, or where another file is, says what to do")
    func occupied() async throws {
        let socket = newSocketPath()
        let other = try ProgramRun(
            "virtwire",
            [
                "memif", "responder", "--role", "master", "--socket", socket, "--address",
                "192.0.2.1",
            ])
        #expect(await other.nextLine() != nil)
        for (path, subject, remedy) in [
            (socket, socket, "another program listens there"),
            ("/etc/passwd", "/etc/passwd", "no socket"),
            ("/nowhere/x.sock", "/nowhere/", "make its directory"),
        ] {
            let run = try await ProgramRun.run(
                "virtwire", "memif", "bench", "--role", "master", "--socket", path, "--mode", "rx")
            #expect(run.status == 1)
            #expect(run.errors.contains(subject) && run.errors.contains(remedy), "\(run.errors)")
        }
        other.signal(SIGINT)
        #expect(await other.ended().status == 0)
    }

    @Test("a slave at a socket where nobody listens says what to do")
    func nobodyListens() async throws {
        let run = try await ProgramRun("virtwire", Self.slave("bench", "--mode", "rx")).ended()
        #expect(run.status == 1)
        #expect(run.errors.contains("does a master listen there?"))
    }

    @Test("a socket path over 107 bytes ends with 1 and the two numbers")
    func longPath() async throws {
        let path = "/tmp/" + String(repeating: "l", count: 120)
        let run = try await ProgramRun.run(
            "virtwire", "memif", "bench", "--role", "master", "--socket", path, "--mode", "rx")
        #expect(run.status == 1)
        #expect(run.errors.contains("125 bytes (at most 107)"))
    }
}
