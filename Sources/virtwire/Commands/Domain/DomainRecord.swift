internal import Libvirt
internal import LibvirtProtocol
internal import MemifController

/// A domain as it is written out.
struct DomainRecord: Encodable {
    let id: Int32?
    let name: String
    let uuid: String
    let state: String
    let persistent: Bool

    init(_ domain: Domain) async throws(LibvirtError) {
        id = domain.id
        name = domain.name
        uuid = domain.uuid.description
        state = LibvirtNames.state(try await domain.state().state)
        persistent = try await domain.isPersistent()
    }

    /// Those that there are, the ones that run first.
    static func all(
        on connection: Connection, _ flags: virConnectListAllDomainsFlags = []
    ) async throws(LibvirtError) -> [DomainRecord] {
        var records: [DomainRecord] = []
        for domain in try await connection.listAllDomains(flags: flags) {
            do throws(LibvirtError) {
                records.append(try await DomainRecord(domain))
            } catch {
                // It went while the list was read.
                guard error.code == .noDomain else { throw error }
            }
        }
        return records.sorted { ($0.id ?? .max, $0.name) < ($1.id ?? .max, $1.name) }
    }

    static func table(of domains: [DomainRecord]) -> Table {
        var table = Table("ID", "NAME", "UUID", "STATE")
        for domain in domains {
            table.add(domain.id.map(String.init) ?? "", domain.name, domain.uuid, domain.state)
        }
        return table
    }
}
