internal import LinuxIO
internal import Memif
internal import Synchronization

/// A port of a bridge that is open: a memif interface or a TAP device.
final class OpenPort: Sendable {
    /// As the command line names it.
    let title: String
    let outlet: any Outlet
    private let memif: OpenInterface?
    private let tap: TapPort?
    private let links = Mutex<[MemifLink]>([])

    init(_ spec: PortSpec) throws {
        switch spec {
        case .tap(let name):
            let tap = try TapPort(name)
            self.tap = tap
            outlet = tap
            memif = nil
            title = "tap:\(tap.name)"
        case .memif(let port):
            var configuration = InterfaceConfiguration(id: port.id, name: "virtwire")
            configuration.secret = port.secret
            memif = try MemifEndpoint(role: port.role, socket: port.socket)
                .open(configuration, reconnect: ReconnectPolicy())
            outlet = MemifOutlet()
            tap = nil
            title = spec.title
        }
    }

    /// Has frames that come in passed on, now and after every reconnect.
    ///
    /// - Parameter say: is told when a link comes up or ends.
    func start(
        on worker: PacketWorker, _ say: @escaping @Sendable (String) -> Void,
        _ handler: @escaping @Sendable (inout FrameBatch) -> Void
    ) throws {
        if let tap { return try tap.start(handler) }
        memif?.interface.onEvent { [self] event in
            let outlet = outlet as? MemifOutlet
            switch event {
            case .up(let link):
                outlet?.use(link)
                links.withLock { $0 = [link] }
                worker.attach(link, Passing(body: handler))
            case .down: outlet?.use(nil)
            case .failed: break
            }
            say("\(title): \(LinkEventRecord(event).text)")
        }
    }

    /// Why nothing more will come; a memif link comes again.
    var failure: CommandFailure? { tap?.failure }

    func close() {
        memif?.close()
        tap?.stop()
    }

    private struct Passing: PacketHandler {
        let body: @Sendable (inout FrameBatch) -> Void

        func handle(_ frames: inout FrameBatch) {
            body(&frames)
            frames.removeAll()
        }
    }
}
