internal import LinuxIO

/// Everything that a controller knows, at one moment.
public struct ControllerStatus: Sendable {
    /// The connection to libvirt.
    public var connection: ConnectionState
    /// Every port, and everything declared that could not become one, by domain and name.
    public var ports: [PortReport]
}

/// Whether libvirt can be asked.
public enum ConnectionState: Sendable, Hashable {
    /// Not yet.
    case connecting
    /// It can.
    case connected
    /// It cannot, and tries go on.
    case disconnected(reason: String)
}

/// One port at one moment.
public struct PortReport: Sendable {
    /// The domain.
    public var vm: VMIdentifier
    /// The domain's name.
    public var domainName: String
    /// The port's name; for a finding about an element without a usable name, the element's place.
    public var name: String
    /// The socket's path; empty where no socket is to stand.
    public var path: String
    /// The socket file's permission bits, user and group; nil when none stands.
    public var file: (mode: UInt32, user: UInt32, group: UInt32)?
    /// How it is.
    public var condition: PortCondition
    /// Since when it is so, in milliseconds since 1970.
    public var since: Int64
    /// From the first notice of it until its socket listened; nil when none stands.
    public var latency: Duration?
    /// Peer and counters.
    public var traffic: PortTraffic
}

extension DomainState {
    func reports(vm: VMIdentifier, layout: RuntimeLayout) -> [PortReport] {
        conditions.map { name, dated in
            let standing = ports[name]
            let isPort = standing != nil || lastGood[name] != nil || name.isPortName
            let path = isPort ? layout.socket(of: vm, port: name) : ""
            let file = standing == nil ? nil : try? FileStatus(path: path)
            let traffic = standing?.port.traffic ?? PortTraffic()
            var (condition, since) = (dated.condition, dated.since)
            if standing?.port.socketState() == .lost {
                condition = PortCondition(
                    .degraded, reason: "the socket file is gone, or another stands in its place",
                    remedy: "leave it to the daemon, which puts it back with its next look")
            } else if condition.state == .ready {
                if traffic.isLinkUp { condition.state = .connected }
                since = max(since, traffic.linkChanged ?? since)
            }
            return PortReport(
                vm: vm, domainName: self.name, name: name, path: path,
                file: file.map { ($0.permissions, $0.user, $0.group) }, condition: condition,
                since: since, latency: standing == nil ? nil : latencies[name],
                traffic: traffic)
        }
    }
}
