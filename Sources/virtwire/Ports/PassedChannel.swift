internal import LinuxIO

/// A connected channel that whoever started this program has passed to it, such as virtwire memif open.
enum PassedChannel {
    static let idVariable = "VIRTWIRE_MEMIF_ID"
    static let modeVariable = "VIRTWIRE_MEMIF_MODE"
    static let secretVariable = "VIRTWIRE_MEMIF_SECRET"

    /// What stands before its number where a socket's path would be.
    private static let prefix = "fd:"

    /// Whether a socket is named that is passed; a file of such a name is ./fd:3.
    static func isNamed(by socket: String) -> Bool { socket.hasPrefix(prefix) }

    /// The interface's id, as whoever opened the channel says.
    static var id: UInt32? { Environment.value(idVariable).flatMap { UInt32($0) } }

    /// The descriptor's number; nil where none can be meant.
    static func number(of socket: String) -> Int32? {
        Int32(socket.dropFirst(prefix.count)).flatMap { $0 > 2 ? $0 : nil }
    }

    /// Takes the socket, once.
    ///
    /// - Throws: `CommandFailure` where there is none of that number.
    static func take(_ socket: String) throws(CommandFailure) -> UnixSocket {
        guard let number = number(of: socket) else {
            throw CommandFailure(
                .usage, "'\(socket)' is no passed channel: write fd: and its number, such as fd:3")
        }
        let descriptor = OwnedDescriptor(adopting: number)
        guard (try? descriptor.status().isSocket) == true else {
            // It may be something of this program's own.
            _ = descriptor.release()
            throw CommandFailure(
                .failed,
                "no socket has been passed as \(socket): start this with virtwire memif open VM PORT --"
            )
        }
        do throws(SystemError) {
            return try UnixSocket(adopting: try descriptor.duplicate())
        } catch {
            throw CommandFailure(.failed, "the channel \(socket) cannot be used: \(error)")
        }
    }
}
