internal import LibvirtRPC
internal import MemifController
internal import VirtwireProtocol
internal import XDR

/// A line of `virtwire watch`.
struct WatchRecord: Encodable, Sendable {
    /// What a line tells.
    enum Kind: String, Encodable, Sendable {
        /// A port that was there when the watch began.
        case present
        /// A port that is new, or another than before.
        case changed
        /// A port that is no longer there.
        case gone
        /// The daemon's connection to libvirt.
        case libvirt
    }

    let time: String
    let event: Kind
    /// Changes before this one that were not seen, because they came faster than they were read.
    let merged: UInt64
    let port: PortState?
    let libvirt: DaemonStatus.Libvirt?

    init(
        _ event: Kind, merged: UInt64 = 0, port: PortState? = nil,
        libvirt: DaemonStatus.Libvirt? = nil
    ) {
        time = Moment.text()
        self.event = event
        self.merged = merged
        self.port = port
        self.libvirt = libvirt
    }

    static let header = "TIME                      EVENT    VM  PORT  STATE"

    /// One line for people.
    var line: String {
        let merged = merged == 0 ? [] : ["(\(merged) changes before it were not seen)"]
        let facts =
            if let port {
                [port.vm.isEmpty ? port.uuid : port.vm, port.port, port.condition, port.peer]
            } else if let libvirt {
                [libvirt.connected ? "connected" : "not connected: \(libvirt.error)"]
            } else {
                [String]()
            }
        return ([time, event.rawValue] + facts.filter { !$0.isEmpty } + merged)
            .joined(separator: "  ").replacing("\n", with: " ")
    }
}

/// What a watch has seen of every port, to tell what is another now.
struct WatchedPorts: Sendable {
    private var ports: [String: [String: PortState]] = [:]

    /// Takes what is there at the beginning.
    init(_ present: [PortState]) {
        for port in present { ports[port.uuid, default: [:]][port.port] = port }
    }

    /// What an event tells that was not known.
    mutating func records(of event: virtwire_event_ports_msg) -> [WatchRecord] {
        let uuid = event.vm_uuid.bytes.uuidText
        let new = event.ports.map { PortState($0) }
        let old = ports[uuid] ?? [:]
        ports[uuid] = new.isEmpty ? nil : Dictionary(new.map { ($0.port, $0) }) { $1 }
        let names = Set(new.map(\.port))
        let gone = old.values.filter { !names.contains($0.port) }.sorted { $0.port < $1.port }
        let changed = new.filter { port in !(old[port.port]?.tellsTheSame(as: port) ?? false) }
        return gone.map { WatchRecord(.gone, merged: event.merged, port: $0) }
            + changed.map { WatchRecord(.changed, merged: event.merged, port: $0) }
    }
}

extension PortState {
    /// Whether another state of the port is news, counters apart.
    fileprivate func tellsTheSame(as other: PortState) -> Bool {
        (vm, socket, state, reason, remedy, peer)
            == (other.vm, other.socket, other.state, other.reason, other.remedy, other.peer)
            && (mode, user, group, since) == (other.mode, other.user, other.group, other.since)
    }
}
