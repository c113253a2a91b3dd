internal import ArgumentParser
internal import Foundation
internal import Libvirt

struct ConnectionOptions: ParsableArguments {
    @Option(
        name: [.customShort("c"), .customLong("connect")],
        help: ArgumentHelp(
            "The libvirt daemon's URI, such as qemu:///system.",
            discussion: "Without it LIBVIRT_DEFAULT_URI, else qemu:///system or qemu:///session."))
    var connect: String?

    /// The URI asked for, else the one that libvirt's own client would try first.
    private var uri: String {
        if let connect { return connect }
        if let uri = ProcessInfo.processInfo.environment["LIBVIRT_DEFAULT_URI"], !uri.isEmpty {
            return uri
        }
        return geteuid() == 0 ? "qemu:///system" : "qemu:///session"
    }

    /// Opens a connection, lends it, and closes it.
    func withConnection<Result>(
        readOnly: Bool = false, _ body: (Connection) async throws -> Result
    ) async throws -> Result {
        let connection = try await Connection.open(
            uri, readOnly: readOnly, authentication: TerminalLogin.options)
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
