internal import ArgumentParser
internal import LibvirtRPC
internal import LinuxIO
internal import VirtwireProtocol
internal import XDR

/// Which daemon is asked.
struct DaemonOptions: ParsableArguments {
    @Option(help: "The directory in which virtwired keeps its sockets.")
    var runtimeDirectory = "/run/virtwire"

    private var socket: String { runtimeDirectory + "/control.sock" }

    /// Asks the daemon for its state.
    func status() async throws -> DaemonStatus {
        let loop = try EventLoop.start(name: "control")
        let link = Link.start(
            UnixCarrier(try connect(), loop: loop), timers: loop,
            handlers: LinkHandlers())
        defer {
            link.close()
            loop.stop()
        }
        let deadline = ContinuousClock.now + .seconds(10)
        let version = try await link.call(Virtwire.VERSION, XDRVoid(), deadline: deadline)
        let status = try await link.call(Virtwire.STATUS, XDRVoid(), deadline: deadline)
        return DaemonStatus(version, status)
    }

    private func connect() throws -> UnixSocket {
        do {
            return try UnixSocket.connect(to: try UnixAddress(path: socket), kind: .stream)
        } catch {
            let remedy =
                switch error.code {
                case 2, 111: "is virtwired running, with this --runtime-directory?"
                case 13: "ask as a user who may open the socket"
                default: "look at the daemon's log"
                }
            throw CommandFailure(.failed, "\(error); \(remedy)")
        }
    }
}
