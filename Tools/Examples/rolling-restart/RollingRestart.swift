internal import ArgumentParser
internal import ExampleSupport
internal import Libvirt
internal import LibvirtProtocol

@main
struct RollingRestart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rolling-restart",
        abstract: "Restart domains one after another, each once the last is back.",
        discussion: """
            Every domain is shut down by its guest and started again. The first that does not come back \
            ends the round, and those behind it are left alone.
            """)

    static func main() async { await Example.run(Self.self) }

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "Which running domains, as a shell's pattern: 'web-*'.")
    var pattern: String

    @Option(help: "How many seconds a guest has to shut down.")
    var shutdownTime = 120.0

    @Option(help: "How many seconds a domain, and its guest, have to come up.")
    var startTime = 120.0

    @Flag(help: "End a domain at once if its guest does not shut down in time.")
    var force = false

    @Flag(help: "Wait for the guest too, until its agent answers.")
    var waitForGuest = false

    @Flag(help: "Only say what would be done.")
    var dryRun = false

    func validate() throws {
        guard shutdownTime > 0, startTime > 0 else {
            throw ValidationError("a time is more than 0 seconds")
        }
    }

    func run() async throws {
        try await connection.withConnection { connection in
            let domains = try await connection.listAllDomains(flags: [.active])
                .filter { matches($0.name, pattern) }.sorted { $0.name < $1.name }
            if domains.isEmpty {
                throw Failure(.notFound, "no running domain is like '\(pattern)'")
            }
            for domain in domains where try await !domain.isPersistent() {
                throw Failure(
                    "\(domain.name) is transient and would be gone when it stops: nothing was restarted"
                )
            }
            for (index, domain) in domains.enumerated() {
                let place = "\(index + 1) of \(domains.count)"
                if dryRun {
                    try Example.print("\(domain.name): would be restarted (\(place))")
                    continue
                }
                try await restart(domain, leaving: domains.dropFirst(index + 1).map(\.name))
                try Example.print("\(domain.name): is back (\(place))")
            }
        }
    }

    private func restart(_ domain: Domain, leaving rest: [String]) async throws {
        let others = rest.isEmpty ? "" : "; left alone: \(rest.joined(separator: ", "))"
        let watch = try await StateWatch(domain)
        try await domain.shutdown()
        if try await !watch.reaches(.shutoff, within: .seconds(shutdownTime)) {
            guard force else {
                throw Failure(
                    .timedOut,
                    "\(domain.name) has not shut down within \(shutdownTime) seconds (--force would "
                        + "end it)\(others)")
            }
            try await domain.destroy()
        }
        try await domain.create()
        guard try await watch.reaches(.running, within: .seconds(startTime)) else {
            throw Failure(
                .timedOut,
                "\(domain.name) does not run \(startTime) seconds after its start\(others)")
        }
        guard waitForGuest else { return }
        let isUp = try await within(.seconds(startTime)) { try await domain.waitForAgent() }
        if isUp == nil {
            throw Failure(
                .timedOut,
                "\(domain.name) runs, and its guest's agent has not answered within \(startTime) "
                    + "seconds\(others)")
        }
    }
}
