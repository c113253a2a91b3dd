internal import LibvirtProtocol
internal import LibvirtRPC
internal import LinuxIO
internal import Logging
internal import VirtwireProtocol
internal import XDR

/// Answers the daemon's control socket: libvirt's RPC, with a program of our own.
///
/// The socket is there when the daemon has put back what its records tell of, so whoever waits for
/// the daemon waits for the socket to answer VERSION. Source: `virtwire_protocol.x`.
struct ControlServer {
    private let server: LinkServer
    private let path: String
    private let identity: FileIdentity

    /// The highest procedure number that is served.
    static let protocolLevel = UInt32(Virtwire.STATUS.number)
    /// The mode of the socket: whoever may not administer the daemon may not ask it either.
    static let mode: UInt32 = 0o660

    /// Starts to answer.
    ///
    /// - Parameter uri: the libvirt URI that the daemon was given.
    init(
        _ host: Host, for controller: Controller, uri: String, loop: EventLoop
    ) throws(PortError) {
        path = host.layout.controlSocket
        let table = Self.procedures(controller, uri: uri)
        let logger = host.logger
        do throws(SystemError) {
            let listener = try SocketFile.listenUnlessTaken(
                at: path, kind: .stream, mode: Self.mode, group: host.defaultGroup)
            identity = try FileStatus(path: path).identity
            server = try LinkServer.start(listener, loop: loop) { client in
                logger.debug("control client", metadata: Self.metadata(client))
                return LinkHandlers(answer: { await table.answer($0) })
            }
        } catch {
            throw PortError(
                reason: "the control socket cannot be made: \(error)",
                remedy: "move away what stands at \(path), or name another --runtime-directory")
        }
    }

    /// Ends every client's link and removes the socket.
    func stop() {
        server.stop()
        SocketFile.remove(path, ifStill: identity)
    }

    private static func metadata(_ client: LinkServer.Client) -> Logger.Metadata {
        guard let credentials = client.credentials else { return [:] }
        return [
            "pid": "\(credentials.process)", "uid": "\(credentials.user)",
            "gid": "\(credentials.group)",
        ]
    }

    private static func procedures(_ controller: Controller, uri: String) -> ProcedureTable {
        var table = ProcedureTable()
        table.serve(Virtwire.VERSION) { (_) async throws(CallRefusal) in
            virtwire_version_ret(
                version: XDRString(Daemon.version), protocol: Self.protocolLevel)
        }
        table.serve(Virtwire.STATUS) { (_) async throws(CallRefusal) in
            virtwire_status_ret(controller.status(), uri: uri)
        }
        return table
    }
}

extension virtwire_status_ret {
    init(_ status: ControllerStatus, uri: String) {
        let error: String
        switch status.connection {
        case .connected: error = ""
        case .connecting: error = "the first connection is being made"
        case .disconnected(let reason): error = reason
        }
        self.init(
            libvirt_uri: XDRString(uri), libvirt_connected: status.connection == .connected,
            libvirt_error: XDRString(bounded: error), ports: status.ports.map { virtwire_port($0) })
    }
}

extension XDRString {
    /// A text that others may have made as long as they liked, cut so that no domain's words can take
    /// the status from all the others.
    fileprivate init(bounded text: String) {
        let most = 1024
        guard text.utf8.count > most else {
            self.init(text)
            return
        }
        var cut = ""
        for character in text.unicodeScalars {
            if cut.utf8.count + 4 > most { break }
            cut.unicodeScalars.append(character)
        }
        self.init(cut + "…")
    }
}

extension virtwire_port {
    init(_ report: PortReport) {
        let traffic = report.traffic
        self.init(
            vm_name: XDRString(bounded: report.domainName),
            vm_uuid: virtwire_uuid(report.vm.bytes) ?? virtwire_uuid(),
            name: XDRString(report.name), socket_path: XDRString(report.path),
            mode: report.file?.mode ?? 0, uid: report.file?.user ?? 0, gid: report.file?.group ?? 0,
            state: XDRString(report.condition.state.rawValue),
            reason: XDRString(bounded: report.condition.reason),
            remedy: XDRString(bounded: report.condition.remedy),
            since_ms: UInt64(clamping: report.since),
            peer_name: XDRString(traffic.peer?.name ?? ""),
            peer_pid: UInt32(clamping: traffic.peer?.process ?? 0),
            peer_uid: traffic.peer?.user ?? 0, rx_packets: traffic.receivedPackets,
            rx_bytes: traffic.receivedBytes, tx_packets: traffic.sentPackets,
            tx_bytes: traffic.sentBytes, drops: traffic.droppedPackets,
            ready_latency_us: UInt64(clamping: report.latency?.microseconds ?? 0))
    }
}
