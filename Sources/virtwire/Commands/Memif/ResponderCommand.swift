internal import ArgumentParser
internal import Memif

struct ResponderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "responder",
        abstract: "Answer ARP and ping at one end of a link, until interrupted.",
        discussion: """
            Prints the address, and each link that comes up or ends. With --format json those are objects, \
            one a line.
            """)

    @OptionGroup var memif: MemifOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "The address to answer for, such as 192.168.1.1/24.")
    var address: String

    func validate() throws {
        guard IPv4Address(address) != nil else {
            throw ValidationError(
                "'\(address)' is no IPv4 address: write one such as 192.168.1.1/24")
        }
    }

    func run() async throws {
        guard let own = IPv4Address(address) else { return }
        let open = try memif.open(try memif.configuration(), reconnect: ReconnectPolicy())
        defer { open.close() }
        let worker = try PacketWorker.start()
        defer { worker.stop() }
        let responder = Responder(address: own)
        let found = AddressRecord(own, at: responder.hardwareAddress, on: memif.socket)
        try output.format.line(found, found.text)
        for await event in open.interface.events() {
            if case .up(let link) = event { worker.attach(link, responder) }
            let record = LinkEventRecord(event)
            try output.format.line(record, record.text)
        }
    }
}
