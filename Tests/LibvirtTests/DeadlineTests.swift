import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import Testing
import XDR

@Suite("A deadline for whatever is called within it", .timeLimit(.minutes(4)))
struct DeadlineTests {
    /// Whether something ended because its time was over.
    private func isLate(_ body: () async throws -> Void) async -> Bool {
        do {
            try await body()
            return false
        } catch let error as LibvirtError {
            guard case .call(let call) = error.kind, case .deadlineExceeded = call.kind else {
                return false
            }
            return true
        } catch {
            return false
        }
    }

    @Test(
        "calls, connections, subscriptions and streams end in time; later calls are not concerned")
    func everything() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            daemon.serve(Remote.DOMAIN_LOOKUP_BY_NAME) { arguments in
                .init(dom: .init(name: arguments.name, uuid: remote_uuid(), id: 1))
            }
            let domain = try await connection.lookUpDomain(name: "vm")
            daemon.inject(.hold, into: Remote.CONNECT_GET_HOSTNAME)
            daemon.inject(.hold, into: Remote.AUTH_LIST)
            daemon.inject(.hold, into: Remote.CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY)
            daemon.inject(.hold, into: Remote.DOMAIN_OPEN_CONSOLE)
            let soon = Duration.milliseconds(10)
            let late = [
                await isLate {
                    try await Connection.withDeadline(.now + soon) {
                        _ = try await connection.hostname()
                    }
                },
                await isLate {
                    try await Connection.withDeadline(.now + soon) {
                        _ = try await Connection.open(daemon.uri)
                    }
                },
                await isLate {
                    try await Connection.withDeadline(.now + soon) {
                        _ = try await connection.domainEvents()
                    }
                },
                await isLate {
                    try await Connection.withDeadline(.now + soon) {
                        _ = try await domain.openConsole(placement: .shared)
                    }
                },
            ]
            #expect(late == [true, true, true, true])
            daemon.releaseHeldCalls()
            #expect(try await connection.hostname() == "fake")
            await connection.close()
        }
    }

    @Test("the earliest of several counts, whichever is the outer one, and child tasks have it too")
    func earliest() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            for _ in 0..<3 { daemon.inject(.hold, into: Remote.CONNECT_GET_HOSTNAME) }
            let hour = ContinuousClock.now + .seconds(3600)
            let late = [
                await isLate {
                    try await Connection.withDeadline(hour) {
                        _ = try await connection.call(
                            Remote.CONNECT_GET_HOSTNAME, XDRVoid(),
                            deadline: .now + .milliseconds(10))
                    }
                },
                await isLate {
                    try await Connection.withDeadline(.now + .milliseconds(10)) {
                        try await Connection.withDeadline(hour) {
                            _ = try await connection.hostname()
                        }
                    }
                },
                await isLate {
                    try await Connection.withDeadline(.now + .milliseconds(10)) {
                        async let name = connection.hostname()
                        _ = try await name
                    }
                },
            ]
            #expect(late == [true, true, true])
            daemon.releaseHeldCalls()
            await connection.close()
        }
    }
}
