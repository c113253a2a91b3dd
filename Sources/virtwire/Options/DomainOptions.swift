internal import ArgumentParser
internal import Libvirt
internal import LibvirtProtocol

/// Which domain is meant.
struct DomainOptions: ParsableArguments {
    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The domain's name or UUID.")
    var domain: String

    /// Looks the domain up and lends it.
    func withDomain<Result>(
        readOnly: Bool = false, _ body: (Domain) async throws -> Result
    ) async throws -> Result {
        try await connection.withConnection(readOnly: readOnly) { connection in
            try await body(try await find(on: connection))
        }
    }

    private func find(on connection: Connection) async throws -> Domain {
        do throws(LibvirtError) {
            if let uuid = LibvirtUUID(domain) {
                return try await connection.lookUpDomain(uuid: uuid)
            }
            return try await connection.lookUpDomain(name: domain)
        } catch {
            guard error.code == .noDomain else { throw error }
            throw CommandFailure(
                .notFound, "no domain '\(domain)': virtwire domain list shows those there are")
        }
    }
}
