internal import Libvirt
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

    static func table(of domains: [DomainRecord]) -> Table {
        var table = Table("ID", "NAME", "UUID", "STATE")
        for domain in domains {
            table.add(domain.id.map(String.init) ?? "", domain.name, domain.uuid, domain.state)
        }
        return table
    }
}
