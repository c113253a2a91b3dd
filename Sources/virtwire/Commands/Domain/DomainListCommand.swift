internal import ArgumentParser
internal import Libvirt
internal import LibvirtProtocol

struct DomainListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List domains, running or not.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Flag(help: "Only those that run.")
    var active = false

    @Flag(help: "Only those that do not run.")
    var inactive = false

    func run() async throws {
        var flags: virConnectListAllDomainsFlags = []
        if active { flags.insert(.active) }
        if inactive { flags.insert(.inactive) }
        let records = try await connection.withConnection(readOnly: true) { connection in
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
        try output.write(records, as: DomainRecord.table(of: records))
    }
}
