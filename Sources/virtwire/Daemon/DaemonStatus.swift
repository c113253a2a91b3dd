internal import MemifController
internal import VirtwireProtocol
internal import XDR

/// What the daemon says of itself, in the spelling of our JSON.
struct DaemonStatus: Encodable, Sendable {
    struct Libvirt: Encodable, Sendable {
        let uri: String
        let connected: Bool
        let error: String
    }

    let version: String
    let libvirt: Libvirt
    let ports: [PortState]

    init(_ version: virtwire_version_ret, _ status: virtwire_status_ret) {
        self.version = version.version.text
        libvirt = Libvirt(
            uri: status.libvirt_uri.text, connected: status.libvirt_connected,
            error: status.libvirt_error.text)
        ports = status.ports.map { PortState($0) }
    }

    /// One line about the daemon itself.
    var summary: String {
        let link =
            libvirt.connected
            ? "connected to \(libvirt.uri)"
            : "not connected to \(libvirt.uri): \(libvirt.error)"
        return "virtwired \(version), \(link)"
    }

    /// A line for each port.
    static func table(of ports: [PortState]) -> Table {
        var table = Table(
            "VM", "PORT", "SOCKET", "PEER", "RX-PKT", "RX-BYTES", "TX-PKT", "DROP", "SINCE",
            "STATE")
        for port in ports {
            table.add(
                port.vm, port.port, port.socket, port.peer, String(port.receivedPackets),
                String(port.receivedBytes), String(port.sentPackets), String(port.drops),
                Moment.age(milliseconds: port.since), port.condition)
        }
        return table
    }
}

/// A port, as the daemon reports it.
struct PortState: Encodable, Sendable {
    let vm: String
    let uuid: String
    let port: String
    let socket: String
    let mode: String
    let user: UInt32
    let group: UInt32
    let state: String
    let reason: String
    let remedy: String
    /// Milliseconds since 1970.
    let since: UInt64
    /// The same as RFC 3339 has it.
    let sinceText: String?
    let link: String
    let peerName: String
    let peerProcess: UInt32
    let peerUser: UInt32
    let receivedPackets: UInt64
    let receivedBytes: UInt64
    let sentPackets: UInt64
    let sentBytes: UInt64
    let drops: UInt64
    let readyLatency: UInt64

    enum CodingKeys: String, CodingKey {
        case vm, uuid, port, socket, mode, state, reason, remedy, link, drops
        case user = "uid"
        case group = "gid"
        case peerName = "peer_name"
        case peerProcess = "peer_pid"
        case peerUser = "peer_uid"
        case receivedPackets = "rx_packets"
        case receivedBytes = "rx_bytes"
        case sentPackets = "tx_packets"
        case sentBytes = "tx_bytes"
        case since = "since_ms"
        case sinceText = "since"
        case readyLatency = "ready_latency_us"
    }

    init(_ wire: virtwire_port) {
        vm = wire.vm_name.text
        uuid = wire.vm_uuid.bytes.uuidText
        port = wire.name.text
        socket = wire.socket_path.text
        mode = "0" + String(wire.mode, radix: 8)
        user = wire.uid
        group = wire.gid
        state = wire.state.text
        reason = wire.reason.text
        remedy = wire.remedy.text
        since = wire.since_ms
        sinceText = Moment.text(milliseconds: wire.since_ms)
        link = wire.peer_pid == 0 && wire.peer_name.text.isEmpty ? "down" : "up"
        peerName = wire.peer_name.text
        peerProcess = wire.peer_pid
        peerUser = wire.peer_uid
        receivedPackets = wire.rx_packets
        receivedBytes = wire.rx_bytes
        sentPackets = wire.tx_packets
        sentBytes = wire.tx_bytes
        drops = wire.drops
        readyLatency = wire.ready_latency_us
    }

    /// Who is at the other end.
    var peer: String {
        link == "up" ? "\(peerName)[pid \(peerProcess) uid \(peerUser)]" : ""
    }

    /// State, why, and what to do.
    var condition: String {
        let sentence = [reason, remedy].filter { !$0.isEmpty }.joined(separator: "; ")
        return sentence.isEmpty ? state : "\(state): \(sentence)"
    }
}

extension Sequence<UInt8> {
    /// The bytes of a UUID as it is written (RFC 9562, section 4).
    var uuidText: String {
        let digits = map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        return digits.enumerated().map { index, pair in
            [4, 6, 8, 10].contains(index) ? "-" + pair : pair
        }.joined()
    }
}
