import LinuxIO
import Memif
import MemifTesting

/// A link between an interface of ours and a real testpmd in the other role.
final class TestpmdLink: Sendable {
    let directory: TemporaryDirectory
    let loop: EventLoop
    let interface: MemifInterface
    let testpmd: Testpmd
    let link: MemifLink
    let socket: MasterSocket?

    /// - Parameters:
    ///   - role: ours.
    ///   - configure: changes what our interface is.
    ///   - options: changes how testpmd is started.
    init(
        _ role: MemifRole, _ forwarding: Testpmd.Forwarding,
        configure: (inout InterfaceConfiguration) -> Void = { _ in },
        options change: (inout Testpmd.Options) -> Void = { _ in }
    ) async throws {
        directory = try TemporaryDirectory()
        loop = try EventLoop.start(name: "memif")
        var configuration = InterfaceConfiguration()
        configure(&configuration)
        var options = Testpmd.Options(
            role == .master ? .slave : .master, path: directory.path("m.sock"))
        options.forwarding = forwarding
        options.id = configuration.id
        change(&options)
        switch role {
        case .master:
            // It tries to connect once, so the master must be there before.
            let socket = try MasterSocket.listen(
                at: directory.address(), on: loop, options: .patient)
            self.socket = socket
            interface = try socket.add(configuration)
            testpmd = try await Testpmd(options)
        case .slave:
            socket = nil
            testpmd = try await Testpmd(options)
            interface = try MemifInterface.connect(
                to: directory.address(), configuration, on: loop, handshakeTimeout: .seconds(120))
        }
        link = try await interface.waitForLink(within: .seconds(60))
    }

    /// Ends both sides and returns testpmd's last counters.
    @discardableResult
    func end() async -> Testpmd.Statistics {
        let statistics = await testpmd.stop()
        interface.remove()
        socket?.close()
        loop.stop()
        return statistics
    }
}
