import Foundation
import Glibc
import LibvirtProtocol
import LibvirtRPC
import LinuxIO
import Testing
import XDR

/// A peer on TCP, in the test's own process, that speaks a libvirt daemon's first words, and beyond
/// those what a test wants.
struct NetworkPeer {
    /// A URI that leads here.
    let uri: String

    /// - Parameter serve: adds procedures to those with which a connection begins and ends.
    static func with(
        _ serve: (inout ProcedureTable) -> Void, _ body: (NetworkPeer) async throws -> Void
    ) async throws {
        var table = ProcedureTable()
        table.serve(Remote.AUTH_LIST) { _ in remote_auth_list_ret(types: [.REMOTE_AUTH_NONE]) }
        table.serve(Remote.CONNECT_SUPPORTS_FEATURE) { _ in .init(supported: 1) }
        table.serve(Remote.CONNECT_OPEN) { _ in XDRVoid() }
        table.serve(Remote.CONNECT_CLOSE) { _ in XDRVoid() }
        table.serve(Remote.CONNECT_GET_HOSTNAME) { _ in .init(hostname: "far") }
        serve(&table)
        let procedures = table
        let socket = try listen()
        let port = try port(of: socket)
        let loop = try EventLoop.start(name: "network-peer")
        defer { loop.submit { loop.stop() } }
        // What accepts and reads does not ask what kind of stream a socket is.
        let server = try LinkServer.start(try UnixListener(adopting: socket), loop: loop) { _ in
            LinkHandlers(answer: { await procedures.answer($0) })
        }
        defer { server.stop() }
        try await body(NetworkPeer(uri: "test+tcp://127.0.0.1:\(port)/default"))
    }

    /// A socket that listens on a port of the kernel's choice, and takes in little that is not read.
    private static func listen() throws(SystemError) -> OwnedDescriptor {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let number = socket(AF_INET, kind, 0)
        guard number >= 0 else { throw SystemError("create a socket") }
        let descriptor = OwnedDescriptor(adopting: number)
        var room: Int32 = 1 << 18
        let roomLength = socklen_t(MemoryLayout<Int32>.size)
        // SAFETY: the option is one number, which lives through the call.
        guard unsafe setsockopt(number, SOL_SOCKET, SO_RCVBUF, &room, roomLength) == 0 else {
            throw SystemError("limit what a socket takes in")
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        // SAFETY: the address lives through the call, and its length is its own.
        let isBound = unsafe withUnsafeBytes(of: &address) { bytes in
            unsafe bind(
                number, bytes.bindMemory(to: sockaddr.self).baseAddress, socklen_t(bytes.count))
        }
        guard isBound == 0, Glibc.listen(number, 16) == 0 else {
            throw SystemError("listen on a port")
        }
        return descriptor
    }

    private static func port(
        of socket: borrowing OwnedDescriptor
    ) throws(SystemError) -> UInt16 {
        var address = sockaddr_in()
        let number = socket.rawValue
        // SAFETY: the kernel writes an address of this kind, as the socket is of it.
        let result = unsafe withUnsafeMutableBytes(of: &address) { bytes in
            var length = socklen_t(bytes.count)
            return unsafe getsockname(
                number, bytes.bindMemory(to: sockaddr.self).baseAddress, &length)
        }
        guard result == 0 else { throw SystemError("ask for a socket's port") }
        return UInt16(bigEndian: address.sin_port)
    }
}
