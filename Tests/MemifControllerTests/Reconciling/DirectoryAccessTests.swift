import LinuxIO
import Testing

@testable import MemifController

@Suite("Who reaches a domain's sockets")
struct DirectoryAccessTests {
    private func party(
        _ port: String, user: UInt32? = nil, group: UInt32, named: Bool = true
    ) -> DirectoryAccess.Party {
        .init(port: port, user: user, group: group, namesGroup: named)
    }

    @Test("one group is the directory's, and needs no list")
    func one() {
        let access = DirectoryAccess(
            [party("a", group: 7), party("b", user: 0, group: 7)], hostGroup: 3)
        #expect(access.group == 7 && access.list == AccessList() && access.guests.isEmpty)
        let host = DirectoryAccess([party("a", group: 3, named: false)], hostGroup: 3)
        #expect(host.group == 3 && host.list == AccessList())
    }

    @Test("the first group that is named is the directory's; further ones and owners are listed")
    func several() {
        let access = DirectoryAccess(
            [
                party("a", group: 3, named: false), party("b", group: 7),
                party("c", user: 12, group: 8), party("d", user: 12, group: 7),
            ], hostGroup: 3)
        #expect(access.group == 7)
        #expect(access.list == AccessList(users: [12], groups: [3, 8]))
        #expect(access.guests == ["a", "c", "d"])
    }

    @Test("two ports with different groups: each group reaches its own, and no other does")
    func real() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            let vm = Sample.vm(1)
            it.source.define(
                vm, "<memif:port name='a' group='kvm'/><memif:port name='b' group='daemon'/>")
            #expect(await eventually { it.stands([vm: ["a", "b"]]) })
            #expect(await eventually { it.condition(vm, "b")?.state == .waiting })
            let directory = it.layout.directory(of: vm)
            func canUse(_ port: String, _ group: String) async throws -> Bool {
                let number = try #require(Accounts.group(group))
                let socket = it.layout.socket(of: vm, port: port)
                // As DPDK's client asks.
                let script = "test -r $1 && test -w $1 && test -x $1 && test -w $2"
                let user = ["setpriv", "--reuid=65534", "--regid=\(number)", "--clear-groups"]
                return try await DaemonProcess.run(
                    user + ["sh", "-c", script, "sh", directory, socket]
                ).status == 0
            }
            for (port, other) in [("a", "b"), ("b", "a")] {
                let group = port == "a" ? "kvm" : "daemon"
                let own = try await canUse(port, group)
                let others = try await canUse(other, group)
                let strangers = try await canUse(port, "nogroup")
                #expect(own && !others && !strangers)
            }
            it.source.define(vm, "<memif:port name='a' group='kvm'/>")
            #expect(await eventually { AccessList(of: directory) == AccessList() })
            let status = try FileStatus(path: directory)
            #expect(status.permissions == 0o3770)
        }
    }
}
