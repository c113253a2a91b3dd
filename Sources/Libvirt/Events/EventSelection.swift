public import LibvirtProtocol

/// Which events a subscription delivers: kinds of one family, of one object or of all.
public struct EventSelection: Hashable, Sendable {
    let scopes: [EventScope]

    private init(_ kinds: [EventKind], _ object: EventObject?, _ filter: MonitorEventFilter? = nil)
    {
        scopes = kinds.map { EventScope($0, of: object, filter: filter) }
    }

    /// Events of domains.
    ///
    /// - Parameter domain: one domain's only; nil for all domains'.
    public static func domains(
        _ kinds: Set<virDomainEventID> = [.lifecycle], of domain: Domain? = nil
    ) -> EventSelection {
        EventSelection(sorted(kinds).map(EventKind.domain), domain.map { .domain($0.raw) })
    }

    /// Events of virtual networks.
    ///
    /// - Parameter network: one network's only; nil for all networks'.
    public static func networks(
        _ kinds: Set<virNetworkEventID> = [.lifecycle], of network: Network? = nil
    ) -> EventSelection {
        EventSelection(sorted(kinds).map(EventKind.network), network.map { .network($0.raw) })
    }

    /// Events of storage pools.
    ///
    /// - Parameter pool: one pool's only; nil for all pools'.
    public static func storagePools(
        _ kinds: Set<virStoragePoolEventID> = [.lifecycle], of pool: StoragePool? = nil
    ) -> EventSelection {
        EventSelection(sorted(kinds).map(EventKind.storagePool), pool.map { .storagePool($0.raw) })
    }

    /// Events of the host's devices.
    ///
    /// - Parameter device: one device's only; nil for all devices'.
    public static func nodeDevices(
        _ kinds: Set<virNodeDeviceEventID> = [.lifecycle], of device: NodeDevice? = nil
    ) -> EventSelection {
        EventSelection(sorted(kinds).map(EventKind.nodeDevice), device.map { .nodeDevice($0.raw) })
    }

    /// Events of secrets.
    ///
    /// - Parameter secret: one secret's only; nil for all secrets'.
    public static func secrets(
        _ kinds: Set<virSecretEventID> = [.lifecycle], of secret: Secret? = nil
    ) -> EventSelection {
        EventSelection(sorted(kinds).map(EventKind.secret), secret.map { .secret($0.raw) })
    }

    /// Events of QEMU's monitors.
    ///
    /// - Parameters:
    ///   - filter: which of QEMU's events.
    ///   - domain: one domain's only; nil for all domains'.
    public static func monitor(
        _ filter: MonitorEventFilter = .any, of domain: Domain? = nil
    ) -> EventSelection {
        EventSelection([.monitor], domain.map { .domain($0.raw) }, filter)
    }

    /// By number, so that the order of registrations is the same every time.
    private static func sorted<Kind: RawRepresentable<Int32>>(_ kinds: Set<Kind>) -> [Kind] {
        kinds.sorted { $0.rawValue < $1.rawValue }
    }
}

extension [EventSelection] {
    /// Each scope once, and none that another contains: the server would send its events twice.
    var scopes: [EventScope] {
        let all = Set(flatMap(\.scopes))
        var seen: Set<EventScope> = []
        return flatMap(\.scopes).filter { scope in
            (scope.object == nil || !all.contains(scope.ofAll)) && seen.insert(scope).inserted
        }
    }
}
