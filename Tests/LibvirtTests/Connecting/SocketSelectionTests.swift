import Glibc
import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LinuxIO
import Testing
import XDR

@Suite struct SocketSelectionTests {
    private func selection(
        _ text: String, readOnly: Bool = false, user: UInt32 = 0, mode: String? = nil,
        there files: Set<String> = []
    ) throws -> SocketSelection {
        let variables = ["XDG_RUNTIME_DIR": "/run/user/1000", "HOME": "/home/alice"]
        return try SocketSelection(
            try LibvirtURI(text), readOnly: readOnly, defaultMode: mode,
            in: Surroundings(user: user, variables: variables, files: files))
    }

    private let own = "/var/run/libvirt/virtqemud-sock"
    private let shared = "/var/run/libvirt/libvirt-sock"

    @Test func theSocketThatIsThereIsTheOne() throws {
        let both = try selection("qemu:///system", there: [own, shared])
        #expect(both.path == own)
        #expect(both.passedOver.isEmpty)
        let one = try selection("qemu:///system", there: [shared])
        #expect(one.path == shared)
        #expect(one.passedOver == [own])
        let none = try selection("qemu:///system", readOnly: true)
        #expect(none.path == shared + "-ro")
        #expect(none.passedOver == [own + "-ro"])
        #expect(none.sessionDaemon == nil)
    }

    @Test func rootIsWhoeverHasTheNumberZero() {
        #expect(Surroundings(user: 0).isRoot && !Surroundings(user: 1000).isRoot)
        #expect(Surroundings.current.isRoot == (geteuid() == 0))
    }

    @Test func theModeDecidesWhateverIsThere() throws {
        #expect(try selection("qemu:///system?mode=legacy", there: [own]).path == shared)
        #expect(try selection("qemu:///system?mode=direct", there: [shared]).path == own)
        #expect(try selection("qemu:///system", mode: "direct").path == own)
        #expect(try selection("qemu:///system?mode=legacy", mode: "direct").path == shared)
        #expect(throws: LibvirtURIError.self) { try selection("qemu:///system?mode=odd") }
    }

    @Test func theTestDriverHasNoDaemonOfItsOwn() throws {
        #expect(try selection("test:///default").path == shared)
        #expect(throws: LibvirtURIError.self) { try selection("test:///default?mode=direct") }
    }

    @Test func aSessionIsTheUsersOwnAndHasNoReadOnlySocket() throws {
        let session = "/run/user/1000/libvirt/virtqemud-sock"
        let own = try selection("qemu:///session", readOnly: true, user: 1000, there: [session])
        #expect(own.path == session)
        #expect(own.sessionDaemon == "virtqemud")
        let none = try selection("qemu:///session", user: 1000)
        #expect(none.path == "/run/user/1000/libvirt/libvirt-sock")
        #expect(none.sessionDaemon == "libvirtd")
        let modular = try selection("qemu:///session", user: 1000, there: ["/usr/sbin/virtqemud"])
        #expect(modular.path == session)
        #expect(modular.sessionDaemon == "virtqemud")
        let both: Set = ["/usr/sbin/virtqemud", "/usr/sbin/libvirtd"]
        #expect(
            try selection("qemu:///session", user: 1000, there: both).sessionDaemon == "libvirtd")
        #expect(try selection("qemu:///session").path == shared)
    }

    @Test func theTestDriverIsTheUsersOwnWhereATransportIsNamed() throws {
        let path = "/run/user/1000/libvirt/libvirt-sock"
        #expect(try selection("test+unix:///default", user: 1000).path == path)
        #expect(try selection("test:///default", user: 1000).path == shared)
        #expect(try selection("test+unix:///default").path == shared)
    }

    @Test func aSocketThatIsNamedIsTheOnlyOne() throws {
        let named = try selection("qemu+unix:///session?socket=/a/b", user: 1000)
        #expect(named.path == "/a/b")
        #expect(named.sessionDaemon == nil)
    }

    @Test("a socket without a file is reached by its abstract name")
    func abstractName() async throws {
        let name = "virtwire-\(UInt64.random(in: 0...UInt64.max))"
        var table = ProcedureTable()
        table.serve(Remote.AUTH_LIST) { _ in .init(types: [.REMOTE_AUTH_NONE]) }
        table.serve(Remote.CONNECT_SUPPORTS_FEATURE) { _ in .init(supported: 0) }
        table.serve(Remote.CONNECT_OPEN) { _ in XDRVoid() }
        table.serve(Remote.CONNECT_GET_HOSTNAME) { _ in .init(hostname: "abstract") }
        let loop = try EventLoop.start(name: "abstract")
        let listener = try UnixListener.bind(to: try UnixAddress(abstract: name), kind: .stream)
        let server = try LinkServer.start(listener, loop: loop) { [table] _ in
            LinkHandlers(answer: { await table.answer($0) })
        }
        let connection = try await Connection.open("test+unix:///default?socket=@\(name)")
        #expect(try await connection.hostname() == "abstract")
        await connection.close()
        server.stop()
        loop.submit { loop.stop() }
    }
}
