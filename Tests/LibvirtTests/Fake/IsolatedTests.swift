import Foundation
import Glibc
import Libvirt
import LibvirtProtocol
import LibvirtTesting
import Testing

/// Tests that need a process to themselves: what they count or change is the whole process's.
@Suite("In a process of their own", .timeLimit(.minutes(4))) struct IsolatedTests {
    @Test("two hundred connections leave no descriptor behind, however they end")
    func descriptors() async {
        await #expect(processExitsWith: .success) {
            try await withFake { daemon in
                let first = try await Connection.open(daemon.uri)  // Starts what is started once.
                await first.close()
                try await eventually("the first has gone") { daemon.clientCount == 0 }
                let before = try openDescriptorCount()
                for index in 0..<200 {
                    let connection = try await Connection.open(daemon.uri)
                    let events = try await connection.domainEvents()
                    switch index % 4 {
                    case 0: await connection.close()
                    case 1: daemon.disconnectClients()
                    case 2:
                        daemon.inject(.overlongFrame, into: Remote.CONNECT_GET_HOSTNAME)
                        _ = try? await connection.hostname()
                        daemon.releaseHeldCalls()
                    default: break  // Let go of without a word.
                    }
                    withExtendedLifetime(events) {}
                }
                try await eventually("all are closed") {
                    try openDescriptorCount() == before && daemon.clientCount == 0
                }
            }
        }
    }

    @Test("a socket that may not be used says so, and what to do") func noPermission() async {
        await #expect(processExitsWith: .success) {
            try await withFake { daemon in
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0], ofItemAtPath: daemon.socketPath)
                // Root may connect to anything: become nobody, who may not.
                let isNobody = geteuid() != 0 || setuid(65_534) == 0
                #expect(isNobody)
                let error = await #expect(throws: LibvirtError.self) {
                    try await Connection.open(daemon.uri)
                }
                let text = error?.description
                #expect(text?.contains("\(daemon.socketPath): permission denied") == true)
                #expect(text?.contains("join the socket's group") == true)
                #expect(error?.isRefusal == true)
            }
        }
    }
}
