internal import ArgumentParser
internal import LibvirtRPC
internal import VirtwireProtocol
internal import XDR

struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Print what changes about the daemon's ports, as it does.",
        discussion: """
            Begins with a line for each port that is there. Ends when --count changes have come, when \
            --timeout seconds have passed (with 124 if --count is not reached by then), when the \
            daemon ends (with 1), or when interrupted.
            """)

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "Domains' names or UUIDs; without any all, those to come included.")
    var vm: [String] = []

    @Option(help: "End after so many changes.")
    var count: Int?

    @Option(help: "End after so many seconds.")
    var timeout: Double?

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count is 1 or more") }
        try TimeLimit.check(timeout, "--timeout")
    }

    func run() async throws {
        guard let timeout else { return try await watch() }
        let isInTime = try await finishes(within: .seconds(timeout)) { try await watch() }
        if !isInTime, let count {
            throw CommandFailure(
                .timedOut, "fewer than \(count) changes came within \(timeout) seconds")
        }
    }

    private func watch() async throws {
        let (events, arriving) = AsyncThrowingStream.makeStream(
            of: IncomingEvent.self, bufferingPolicy: .bufferingOldest(4096))
        let handlers = LinkHandlers(
            event: { event in
                guard case .dropped = arriving.yield(event) else { return }
                arriving.finish(
                    throwing: CommandFailure(
                        .failed, "changes came faster than they could be written; watch again"))
            },
            ended: { failure in
                arriving.finish(
                    throwing: CommandFailure(
                        .failed, "the daemon has ended the connection: \(failure)"))
            })
        try await daemon.withLink(handlers: handlers) { link in
            let status = try await DaemonOptions.call(link, Virtwire.WATCH, XDRVoid()).status
            let present = status.ports.map { PortState($0) }
            if output.format == .table { try StandardOutput.line(WatchRecord.header) }
            for port in present { _ = try write(WatchRecord(.present, port: port)) }
            var watched = WatchedPorts(present)
            var written = 0
            for try await event in events {
                for record in try records(of: event, status.libvirt_uri.text, &watched) {
                    if try write(record) { written += 1 }
                    if written == count { return }
                }
            }
        }
    }

    private func records(
        of event: IncomingEvent, _ uri: String, _ watched: inout WatchedPorts
    ) throws -> [WatchRecord] {
        if event.matches(Virtwire.EVENT_PORTS) {
            return watched.records(of: try event.message(of: Virtwire.EVENT_PORTS))
        }
        // What a newer daemon tells besides is nothing that this program knows.
        guard event.matches(Virtwire.EVENT_LIBVIRT) else { return [] }
        let message = try event.message(of: Virtwire.EVENT_LIBVIRT)
        let libvirt = DaemonStatus.Libvirt(
            uri: uri, connected: message.connected, error: message.error.text)
        return [WatchRecord(.libvirt, merged: message.merged, libvirt: libvirt)]
    }

    /// Writes a line if it is asked for.
    private func write(_ record: WatchRecord) throws -> Bool {
        if let port = record.port, !vm.isEmpty, !vm.contains(port.vm), !vm.contains(port.uuid) {
            return false
        }
        try output.format.line(record, record.line)
        return true
    }
}
