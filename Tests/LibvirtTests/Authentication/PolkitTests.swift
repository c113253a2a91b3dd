import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import Testing
import XDR

@testable import Libvirt

@Suite("polkit, with a daemon that does as it is told", .timeLimit(.minutes(2)))
struct PolkitTests {
    @Test(
        "its refusals say what to do",
        arguments: [
            (virErrorNumber.authUnavailable, ["has nobody to ask", "run pkttyagent", "read-only"]),
            (.authCancelled, ["by polkit was cancelled by whoever was asked"]),
            (.authFailed, ["does not admit this user", "join the group libvirt"]),
        ])
    func refusals(_ code: virErrorNumber, _ words: [String]) async throws {
        try await withFake { daemon in
            daemon.serve(Remote.AUTH_LIST) { _ in .init(types: [.REMOTE_AUTH_POLKIT]) }
            daemon.serve(Remote.AUTH_POLKIT) { (_) async throws(CallRefusal) in
                throw CallRefusal(code, "no")
            }
            let error = await #expect(throws: LibvirtError.self) {
                try await Connection.open(daemon.uri)
            }
            let text = error?.description ?? ""
            for word in words { #expect(text.contains(word), "\(text)") }
            #expect(error?.procedure == "AUTH_POLKIT")
        }
    }

    @Test("an agent may take longer than a step, and a deadline ends it all the same")
    func patience() async throws {
        try await withFake { daemon in
            daemon.serve(Remote.AUTH_LIST) { _ in .init(types: [.REMOTE_AUTH_POLKIT]) }
            daemon.serve(Remote.AUTH_POLKIT) { _ in .init(complete: 1) }
            daemon.inject(.hold, into: Remote.AUTH_POLKIT)
            let slow = Task { try await Connection.open(daemon.uri) }
            try await eventually("polkit asks") { daemon.heldCallCount == 1 }
            daemon.inject(.hold, into: Remote.AUTH_POLKIT)
            let error = await #expect(throws: LibvirtError.self) {
                try await Connection.open(daemon.uri, deadline: .now + .milliseconds(50))
            }
            #expect(error?.description.contains("AUTH_POLKIT did not end in time") == true)
            daemon.releaseHeldCalls()
            #expect(try await slow.value.hostname() == "fake")
        }
    }
}
