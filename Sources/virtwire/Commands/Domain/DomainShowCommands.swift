internal import ArgumentParser
internal import Libvirt
internal import LibvirtProtocol

struct DomainShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show what a domain is doing.")

    @OptionGroup var target: DomainOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let record = try await target.withDomain(readOnly: true) { try await DomainRecord($0) }
        try output.write(record, as: DomainRecord.table(of: [record]))
    }
}

struct DomainXMLCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "xml", abstract: "Print a domain's XML.")

    @OptionGroup var target: DomainOptions

    @Flag(help: "The definition for the next start, where it differs from the running domain.")
    var inactive = false

    func run() async throws {
        let flags: virDomainXMLFlags = inactive ? .inactive : []
        let xml = try await target.withDomain(readOnly: true) { try await $0.xml(flags: flags) }
        try StandardOutput.write(xml)
    }
}
