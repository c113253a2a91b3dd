internal import ArgumentParser
internal import VirtwireProtocol
internal import XDR

struct MemifShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Everything about one port: state, declaration, peer.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The domain's name or UUID.")
    var vm: String

    @Argument(help: "The port's name.")
    var port: String

    func run() async throws {
        let details = PortDetails(
            try await daemon.call(
                Virtwire.PORT, virtwire_port_args(vm: XDRString(vm), name: XDRString(port))))
        try output.write(details, as: details.table)
    }
}

/// Everything about one port, in the spelling of our JSON.
private struct PortDetails: Encodable {
    let port: PortState
    let declaration: [String: String]
    let connects: UInt64
    let lastDisconnect: String

    enum CodingKeys: String, CodingKey {
        case port, declaration, connects
        case lastDisconnect = "last_disconnect"
    }

    init(_ wire: virtwire_port_ret) {
        port = PortState(wire.port)
        declaration = Dictionary(
            wire.declaration.map { ($0.name.text, $0.value.text) }, uniquingKeysWith: { $1 })
        connects = wire.connects
        lastDisconnect = wire.last_disconnect.text
    }

    /// A line for each fact.
    var table: Table {
        let attributes = declaration.sorted { $0.key < $1.key }.map { "\($0.key)='\($0.value)'" }
        var table = Table("WHAT", "IS")
        table.add("domain", "\(port.vm) \(port.uuid)")
        table.add("port", port.port)
        table.add("state", port.condition)
        table.add("since", port.sinceText ?? "")
        table.add("socket", port.socket)
        table.add("mode, user, group", "\(port.mode) \(port.user) \(port.group)")
        table.add("declaration", attributes.joined(separator: " "))
        table.add("peer", port.peer)
        table.add("links so far", String(connects))
        table.add("last link ended", lastDisconnect)
        table.add("received", "\(port.receivedPackets) packets, \(port.receivedBytes) bytes")
        table.add("sent", "\(port.sentPackets) packets, \(port.sentBytes) bytes")
        table.add("dropped", "\(port.drops) packets")
        return table
    }
}
