import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import LinuxIO
import Testing
import XDR

@Suite("Faults of the daemon, and what is said of them", .timeLimit(.minutes(2)))
struct FaultTests {
    /// What a call on an open connection ends with when the daemon does this instead of answering.
    private func message(_ fault: Fault) async throws -> LibvirtError? {
        var result: LibvirtError?
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            daemon.inject(fault, into: Remote.CONNECT_GET_HOSTNAME)
            result = await #expect(throws: LibvirtError.self) { try await connection.hostname() }
            #expect(!connection.isAlive)
            daemon.releaseHeldCalls()
        }
        #expect(result?.isConnectionLost == true)
        #expect(result?.mayHaveRun == true)
        #expect(result?.procedure == "CONNECT_GET_HOSTNAME")
        return result
    }

    @Test("a slow answer is an answer") func delayed() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            let delay = Duration.milliseconds(20)
            daemon.inject(.delay(delay), into: Remote.CONNECT_GET_HOSTNAME)
            let start = ContinuousClock.now
            #expect(try await connection.hostname() == "fake")
            #expect(start.duration(to: .now) >= delay)
            await connection.close()
        }
    }

    @Test func closing() async throws {
        let text = try await message(.close)?.description
        #expect(text?.contains("the server closed the connection") == true)
        #expect(text?.contains("last sent: CONNECT_GET_HOSTNAME") == true)
        #expect(text?.contains("may have been carried out") == true)
    }

    @Test func http() async throws {
        let text = try await message(.http)?.description
        #expect(text?.contains("the peer speaks HTTP, not libvirt's RPC") == true)
    }

    @Test func aFrameLongerThanAllowed() async throws {
        let text = try await message(.overlongFrame)?.description
        #expect(text?.contains("its length is 33554437, allowed are 28 to 33554436") == true)
    }

    @Test(arguments: [1, 4, 27, 28, 35]) func aTruncatedFrame(count: Int) async throws {
        let text = try await message(.truncated(afterBytes: count))?.description
        #expect(text?.contains("ended in the middle of the frame") == true)
        #expect(text?.contains("after \(count)") == true)
    }

    @Test func garbage() async throws {
        // Not one of these seeds begins with a length that could be a frame's.
        for seed in [1, 2, 3] as [UInt64] {
            let text = try await message(.garbage(64, seed: seed))?.description
            #expect(text?.contains("malformed frame at byte") == true)
        }
    }

    @Test("what happens while it opens is told as plainly") func whileOpening() async throws {
        try await withFake { daemon in
            daemon.inject(.http, into: Remote.AUTH_LIST)
            daemon.inject(.close, into: Remote.CONNECT_OPEN)
            let first = await #expect(throws: LibvirtError.self) {
                try await Connection.open(daemon.uri)
            }
            #expect(first?.description.contains("speaks HTTP") == true)
            daemon.releaseHeldCalls()
            let second = await #expect(throws: LibvirtError.self) {
                try await Connection.open(daemon.uri)
            }
            #expect(second?.procedure == "CONNECT_OPEN")
            #expect(second?.isConnectionLost == true)
            let connection = try await Connection.open(daemon.uri)
            #expect(try await connection.hostname() == "fake")
        }
    }

    @Test("a daemon that accepts and is silent") func silent() async throws {
        try await withFake { daemon in
            daemon.inject(.hold, into: Remote.AUTH_LIST)
            let error = await #expect(throws: LibvirtError.self) {
                try await Connection.open(daemon.uri, deadline: .now + .milliseconds(50))
            }
            #expect(error?.description.contains("accepted the connection and is silent") == true)
            daemon.releaseHeldCalls()
        }
    }
}
