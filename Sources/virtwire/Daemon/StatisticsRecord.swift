internal import MemifController
internal import VirtwireProtocol
internal import XDR

/// The counters of one moment, in the spelling of our JSON.
struct StatisticsRecord: Encodable, Sendable {
    /// When, as RFC 3339 has it.
    let time: String
    let ports: [PortFigures]
    /// The same in milliseconds since 1970.
    private let moment: UInt64

    enum CodingKeys: CodingKey { case time, ports }

    init(_ wire: virtwire_statistics_ret) {
        moment = wire.time_ms
        time = Moment.text(milliseconds: wire.time_ms) ?? ""
        ports = wire.ports.map { PortFigures($0) }
    }

    /// A line for each port, and one for each of its queues.
    ///
    /// - Parameter last: what packets and bytes are counted from, each second; nil: all so far.
    func table(since last: StatisticsRecord?) -> Table {
        var table = Table(
            "VM", "PORT", "QUEUE", "RX-PKT", "RX-BYTES", "TX-PKT", "TX-BYTES", "DROP", "FULL",
            "LINKS")
        let before = Dictionary(
            last?.ports.map { ($0.key, $0) } ?? [], uniquingKeysWith: { first, _ in first })
        let seconds = last.map { Double(max(moment, $0.moment + 1) - $0.moment) / 1000 }
        func shown(_ new: UInt64, _ old: UInt64?) -> String {
            guard let seconds else { return String(new) }
            // A counter that is less than it was began anew.
            let step = old.map { new >= $0 ? new - $0 : new } ?? new
            return String(Int((Double(step) / seconds).rounded()))
        }
        for port in ports {
            let old = before[port.key]
            table.add(
                port.vm, port.port, "", shown(port.receivedPackets, old?.receivedPackets),
                shown(port.receivedBytes, old?.receivedBytes),
                shown(port.sentPackets, old?.sentPackets), shown(port.sentBytes, old?.sentBytes),
                String(port.drops), "", String(port.connects))
            for queue in port.queues {
                let then = old?.queues.first {
                    $0.direction == queue.direction && $0.index == queue.index
                }
                let packets = shown(queue.packets, then?.packets)
                let bytes = shown(queue.bytes, then?.bytes)
                let isReceiving = queue.direction == .receive
                table.add(
                    port.vm, port.port, "\(queue.direction.rawValue)\(queue.index)",
                    isReceiving ? packets : "", isReceiving ? bytes : "",
                    isReceiving ? "" : packets, isReceiving ? "" : bytes, String(queue.drops),
                    isReceiving ? "" : String(queue.fullBursts), "")
            }
        }
        return table
    }
}

/// What went through a port.
struct PortFigures: Encodable, Sendable {
    let vm: String
    let uuid: String
    let port: String
    let link: String
    let receivedPackets: UInt64
    let receivedBytes: UInt64
    let sentPackets: UInt64
    let sentBytes: UInt64
    let drops: UInt64
    let connects: UInt64
    let disconnects: UInt64
    let refusals: UInt64
    let queues: [QueueFigures]

    enum CodingKeys: String, CodingKey {
        case vm, uuid, port, link, drops, connects, disconnects, refusals, queues
        case receivedPackets = "rx_packets"
        case receivedBytes = "rx_bytes"
        case sentPackets = "tx_packets"
        case sentBytes = "tx_bytes"
    }

    fileprivate var key: [String] { [uuid, port] }

    init(_ wire: virtwire_port_statistics) {
        vm = wire.vm_name.text
        uuid = wire.vm_uuid.bytes.uuidText
        port = wire.name.text
        link = wire.link_up ? "up" : "down"
        receivedPackets = wire.rx_packets
        receivedBytes = wire.rx_bytes
        sentPackets = wire.tx_packets
        sentBytes = wire.tx_bytes
        drops = wire.drops
        connects = wire.connects
        disconnects = wire.disconnects
        refusals = wire.refusals
        queues = wire.queues.map { QueueFigures($0) }
    }
}

/// What went through a queue since its link came up.
struct QueueFigures: Encodable, Sendable {
    /// Which way a queue carries packets, as the daemon sees it.
    enum Direction: String, Encodable, Sendable {
        case receive = "rx"
        case transmit = "tx"
    }

    let direction: Direction
    let index: UInt32
    let ringSize: UInt32
    let packets: UInt64
    let bytes: UInt64
    let drops: UInt64
    let fullBursts: UInt64
    let interrupts: UInt64
    let sleeps: UInt64

    enum CodingKeys: String, CodingKey {
        case direction, index, packets, bytes, drops, interrupts, sleeps
        case ringSize = "ring_size"
        case fullBursts = "full_bursts"
    }

    init(_ wire: virtwire_queue_statistics) {
        direction = wire.from_peer ? .receive : .transmit
        index = wire.index
        ringSize = wire.ring_size
        packets = wire.packets
        bytes = wire.bytes
        drops = wire.drops
        fullBursts = wire.full_bursts
        interrupts = wire.interrupts
        sleeps = wire.sleeps
    }
}
