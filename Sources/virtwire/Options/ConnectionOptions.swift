internal import ArgumentParser
internal import Libvirt

struct ConnectionOptions: ParsableArguments {
    @Option(
        name: [.customShort("c"), .customLong("connect")],
        help: ArgumentHelp(
            "The libvirt daemon's URI, such as qemu:///system.",
            discussion: """
                An alias of libvirt.conf's will do as well. Without it LIBVIRT_DEFAULT_URI, else \
                uri_default of libvirt.conf, else what the host has.
                """))
    var connect: String?

    /// Opens a connection, lends it, and closes it.
    func withConnection<Result>(
        readOnly: Bool = false, _ body: (Connection) async throws -> Result
    ) async throws -> Result {
        let connection = try await Connection.open(
            connect, readOnly: readOnly, authentication: TerminalLogin.options)
        do {
            let result = try await body(connection)
            await connection.close()
            return result
        } catch {
            await connection.close()
            throw error
        }
    }
}
