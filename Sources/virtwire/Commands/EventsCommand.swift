internal import ArgumentParser
internal import Libvirt
internal import LibvirtProtocol
internal import MemifController

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Print what happens to domains, as it happens.",
        discussion: """
            Ends when --count events have come, when --timeout seconds have passed (with 124 if \
            --count is not reached by then), or when interrupted.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Option(
        help: "A domain's name or UUID; again for more. Without it all, those to come included.")
    var domain: [String] = []

    @Option(help: "A kind of event, or 'all'; again for more.")
    var kind: [String] = ["lifecycle"]

    @Option(help: "End after so many events.")
    var count: Int?

    @Option(help: "End after so many seconds.")
    var timeout: Double?

    func validate() throws {
        _ = try kinds()
        if let count, count < 1 { throw ValidationError("--count is 1 or more") }
        try TimeLimit.check(timeout, "--timeout")
    }

    func run() async throws {
        let kinds = try kinds()
        let printer = EventPrinter(domains: domain, count: count, format: output.format)
        try await connection.withConnection(readOnly: true) { connection in
            let events = try await subscribe(to: kinds, on: connection)
            if output.format == .table { try StandardOutput.line(EventRecord.header) }
            guard let timeout else { return try await printer.print(events) }
            let isInTime = try await finishes(within: .seconds(timeout)) {
                try await printer.print(events)
            }
            if !isInTime, let count {
                throw CommandFailure(
                    .timedOut, "fewer than \(count) events came within \(timeout) seconds")
            }
        }
    }

    /// Subscribes; of all kinds, to those that the server knows: an old one lacks the newest.
    private func subscribe(
        to kinds: Set<virDomainEventID>, on connection: Connection
    ) async throws(LibvirtError) -> DomainEvents {
        do throws(LibvirtError) {
            return try await connection.domainEvents(kinds)
        } catch {
            let newest = kinds.max { $0.rawValue < $1.rawValue }
            guard kind.contains("all"), case .server = error.kind, let newest else { throw error }
            return try await subscribe(to: kinds.subtracting([newest]), on: connection)
        }
    }

    private func kinds() throws -> Set<virDomainEventID> {
        if kind.contains("all") { return Set(virDomainEventID.allCases) }
        let known = Dictionary(
            uniqueKeysWithValues: virDomainEventID.allCases.map { (LibvirtNames.kind($0), $0) })
        return Set(
            try kind.map { name in
                guard let kind = known[name] else {
                    let names = known.keys.sorted().joined(separator: ", ")
                    throw ValidationError("no kind of event '\(name)': there are \(names), and all")
                }
                return kind
            })
    }
}

/// Prints the events that are wanted.
private struct EventPrinter: Sendable {
    let domains: [String]
    let count: Int?
    let format: OutputFormat

    /// Prints until there are enough, or the subscription ends.
    func print(_ events: DomainEvents) async throws {
        var printed = 0
        for try await notice in events {
            switch notice {
            case .event(let event) where isWanted(event):
                let record = EventRecord(event)
                try format.line(record, record.line)
                printed += 1
                if printed == count { return }
            case .event: break
            case .lost(let count):
                StandardOutput.say("\(count) events came too fast to be read and are lost")
            case .undecodable(let kind, let why):
                StandardOutput.say("an event \(LibvirtNames.kind(kind)) could not be read: \(why)")
            }
        }
    }

    private func isWanted(_ event: DomainEvent) -> Bool {
        domains.isEmpty || domains.contains(event.name)
            || domains.contains(event.uuid.description)
    }
}

/// Runs a piece of work for a time at most.
///
/// Cancelled, it ends as the work ends: what the clock thinks of that does not count.
///
/// - Returns: whether it came to its end.
func finishes(
    within limit: Duration, _ work: @escaping @Sendable () async throws -> Void
) async throws -> Bool {
    try await withThrowingTaskGroup(of: Bool?.self) { group in
        group.addTask {
            try await work()
            return true
        }
        group.addTask { (try? await Task.sleep(for: limit)) == nil ? nil : false }
        for try await isInTime in group {
            guard let isInTime else { continue }
            group.cancelAll()
            return isInTime
        }
        return false
    }
}
