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
            try await DomainRecord.all(on: connection, flags)
        }
        try output.write(records, as: DomainRecord.table(of: records))
    }
}
