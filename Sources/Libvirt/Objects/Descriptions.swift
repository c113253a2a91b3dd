internal import LibvirtRPC

// What the objects are called in a log. Names come from the daemon, and are made safe to print.

extension Domain: CustomStringConvertible {
    /// One line to print: what it is, and which.
    public var description: String { "domain \(name) (\(uuid))".printable }
}

extension DomainSnapshot: CustomStringConvertible {
    /// One line to print: what it is, and which.
    public var description: String { "snapshot \(name) of \(domain)".printable }
}

extension DomainCheckpoint: CustomStringConvertible {
    /// One line to print: what it is, and which.
    public var description: String { "checkpoint \(name) of \(domain)".printable }
}

extension Network: CustomStringConvertible {
    /// One line to print: what it is, and which.
    public var description: String { "network \(name) (\(uuid))".printable }
}

extension NetworkPort: CustomStringConvertible {
    /// One line to print: what it is, and which.
    public var description: String { "network port \(uuid) of \(network)".printable }
}

extension Interface: CustomStringConvertible {
    /// One line to print: what it is, and which.
    public var description: String { "interface \(name) (\(hardwareAddress))".printable }
}

extension StoragePool: CustomStringConvertible {
    /// One line to print: what it is, and which.
    public var description: String { "storage pool \(name) (\(uuid))".printable }
}

extension StorageVolume: CustomStringConvertible {
    /// One line to print: what it is, and which.
    public var description: String { "storage volume \(name) in \(poolName)".printable }
}

extension NodeDevice: CustomStringConvertible {
    /// One line to print: what it is, and which.
    public var description: String { "node device \(name)".printable }
}

extension Secret: CustomStringConvertible {
    /// One line to print: what it is, and which.
    public var description: String { "secret \(uuid) for \(usageID)".printable }
}

extension NWFilter: CustomStringConvertible {
    /// One line to print: what it is, and which.
    public var description: String { "network filter \(name) (\(uuid))".printable }
}

extension NWFilterBinding: CustomStringConvertible {
    /// One line to print: what it is, and which.
    public var description: String {
        "network filter binding \(portDevice) to \(filterName)".printable
    }
}

extension AdminServer: CustomStringConvertible {
    /// One line to print: what it is, and which.
    public var description: String { "server \(name)".printable }
}

extension AdminClient: CustomStringConvertible {
    /// One line to print: what it is, and which.
    public var description: String { "client \(id) of \(server)".printable }
}
