internal import ArgumentParser
internal import LibvirtProtocol
internal import LibvirtRPC
internal import LinuxIO
internal import VirtwireProtocol
internal import XDR

/// Which daemon is asked.
struct DaemonOptions: ParsableArguments {
    @Option(help: "The directory in which virtwired keeps its sockets.")
    var runtimeDirectory = "/run/virtwire"

    /// What a command wants of the daemon.
    enum Purpose {
        /// To ask: any user may.
        case asking
        /// To change something: whoever may open the administrative socket may.
        case administering
    }

    /// How long an answer may take.
    static let patience = Duration.seconds(30)

    /// Asks the daemon for its state.
    func status() async throws -> DaemonStatus {
        try await withLink { link in
            let version = try await link.call(
                Virtwire.VERSION, XDRVoid(), deadline: .now + Self.patience)
            let status = try await link.call(
                Virtwire.STATUS, XDRVoid(), deadline: .now + Self.patience)
            return DaemonStatus(version, status)
        }
    }

    /// Calls one procedure.
    func call<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>, _ arguments: Arguments,
        for purpose: Purpose = .asking
    ) async throws -> Result {
        try await withLink(for: purpose) { link in
            try await Self.call(link, procedure, arguments)
        }
    }

    /// Calls a procedure; what the daemon refuses is said in its own words.
    static func call<Arguments, Result>(
        _ link: Link, _ procedure: XDRProcedure<Arguments, Result>, _ arguments: Arguments
    ) async throws -> Result {
        do {
            return try await link.call(procedure, arguments, deadline: .now + patience)
        } catch {
            throw CommandFailure(error)
        }
    }

    /// Connects for as long as the body runs.
    func withLink<Result>(
        for purpose: Purpose = .asking, handlers: LinkHandlers = LinkHandlers(),
        _ body: (Link) async throws -> Result
    ) async throws -> Result {
        let loop = try EventLoop.start(name: "control")
        let link = Link.start(
            UnixCarrier(try connect(purpose), loop: loop), timers: loop, handlers: handlers)
        defer {
            link.close()
            loop.stop()
        }
        return try await body(link)
    }

    private func connect(_ purpose: Purpose) throws -> UnixSocket {
        if purpose == .asking {
            // A daemon from before there were two sockets has the other one only.
            let readOnly = try? UnixAddress(path: runtimeDirectory + "/control-ro.sock")
            if let readOnly,
                let socket = try? UnixSocket.connect(to: readOnly, kind: .stream)
            {
                return socket
            }
        }
        let path = runtimeDirectory + "/control.sock"
        do {
            return try UnixSocket.connect(to: try UnixAddress(path: path), kind: .stream)
        } catch {
            let remedy =
                switch error.code {
                case 2, 111: "is virtwired running, with this --runtime-directory?"
                case 13: "ask as root, or as a member of the daemon's admin-group"
                default: "look at the daemon's log"
                }
            throw CommandFailure(.failed, "\(error); \(remedy)")
        }
    }
}

extension CommandFailure {
    /// What the daemon answered, or why it did not.
    init(_ error: RPCError) {
        guard case .refused(let refusal) = error.kind, let message = refusal.message?.text else {
            self.init(.failed, "\(error)")
            return
        }
        let isMissing = refusal.code == virErrorNumber.noDomain.rawValue
        let isUnknown = message.hasPrefix("unknown procedure")
        self.init(
            isMissing ? .notFound : .failed,
            isUnknown
                ? "this virtwired does not know \(error.procedure): it is older than this virtwire"
                : message)
    }
}
