internal import ArgumentParser
internal import Memif

struct ResponderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "responder",
        abstract: "Answer ARP and ping at one end of a link, until interrupted.")

    @OptionGroup var memif: MemifOptions

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
        try StandardOutput.line("\(own) is at \(responder.hardwareAddress) on \(memif.socket)")
        for await event in open.interface.events() {
            switch event {
            case .up(let link):
                worker.attach(link, responder)
                try StandardOutput.line("link up: \(link.terms.peerName)")
            case .down(let end): try StandardOutput.line("link down: \(end)")
            case .failed(let end): try StandardOutput.line("no link: \(end)")
            }
        }
    }
}
