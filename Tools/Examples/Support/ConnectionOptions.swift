public import ArgumentParser
internal import Glibc
public import Libvirt
internal import LibvirtProtocol

/// Which daemon is meant.
public struct ConnectionOptions: ParsableArguments {
    /// The URI or its alias; nil for libvirt's own choice.
    @Option(
        name: [.customShort("c"), .customLong("connect")],
        help: "The daemon's URI or its alias; without it libvirt's own choice.")
    public var uri: String?

    /// For the parser.
    public init() {}

    /// Opens a connection, lends it, and closes it.
    public func withConnection<Result>(
        readOnly: Bool = false, _ body: (Connection) async throws -> Result
    ) async throws -> Result {
        let connection = try await Connection.open(uri, readOnly: readOnly)
        do {
            let result = try await body(connection)
            await connection.close()
            return result
        } catch {
            await connection.close()
            throw error
        }
    }
}

extension Connection {
    /// A domain by its name or UUID.
    ///
    /// - Throws: `Failure` with `.notFound` when there is none.
    public func domain(_ nameOrUUID: String) async throws -> Domain {
        do throws(LibvirtError) {
            guard let uuid = LibvirtUUID(nameOrUUID) else {
                return try await lookUpDomain(name: nameOrUUID)
            }
            return try await lookUpDomain(uuid: uuid)
        } catch {
            guard error.code == .noDomain else { throw error }
            throw Failure(
                .notFound, "no domain '\(nameOrUUID)': virsh list --all shows those there are")
        }
    }
}

/// Whether a name is like a shell's pattern, such as `web-*`.
public func matches(_ name: String, _ pattern: String) -> Bool {
    // SAFETY: both texts are read during the call only.
    unsafe fnmatch(pattern, name, 0) == 0
}

/// Runs a piece of work for a time at most; nil when that is over before it.
public func within<Value: Sendable>(
    _ limit: Duration, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value? {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await work() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        return try await group.next() ?? nil
    }
}
