internal import ArgumentParser
internal import ExampleSupport
internal import Foundation
internal import Libvirt
internal import LibvirtProtocol
internal import LibvirtRPC

@main
struct AttachConsole: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach-console",
        abstract: "Attach this terminal to a domain's console.",
        discussion: "Ctrl-] (or the character of --escape) leaves it, as does the end of the input."
    )

    static func main() async { await Example.run(Self.self) }

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The domain's name or UUID.")
    var domain: String

    @Option(help: "The alias of a console, serial or parallel device; without it the first one.")
    var device: String?

    @Option(help: "The letter that with Ctrl leaves the console.")
    var escape = "]"

    @Flag(help: "Take the console from whoever has it.")
    var force = false

    func validate() throws {
        guard escape.utf8.count == 1, let byte = escape.utf8.first, (0x40..<0x80).contains(byte)
        else {
            throw ValidationError("--escape is a letter or one of @ [ \\ ] ^ _")
        }
    }

    func run() async throws {
        try await connection.withConnection { connection in
            let domain = try await connection.domain(domain)
            guard try await domain.isActive() else {
                throw Failure("\(domain.name) does not run, and has no console: start it first")
            }
            let console = try await domain.openConsole(
                device: device, flags: force ? .force : .safe)
            Example.say("attached to \(domain.name); Ctrl-\(escape) leaves")
            let mode = RawMode()
            // Whatever ends the session, the terminal is as it was.
            defer { mode?.restore() }
            try await session(console)
        }
    }

    /// Passes both directions until one of them ends.
    private func session(_ console: DataStream) async throws {
        let keys = Keyboard(escape: (escape.utf8.first ?? 0x5D) & 0x1F)
        defer { console.abort() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await bytes in keys.bytes { try await console.send(bytes) }
            }
            group.addTask {
                for try await item in console {
                    if case .data(let bytes) = item { try Example.write(bytes) }
                }
                // The guest's end says at the end what went wrong.
                try await console.finish()
            }
            try await group.next()
            group.cancelAll()
        }
    }
}
