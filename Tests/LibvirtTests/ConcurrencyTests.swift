import Libvirt
import LibvirtProtocol
import LibvirtTesting
import Testing
import XDR

@Suite("Many calls at once") struct ConcurrencyTests {
    @Test func twoHundredCallsWhileEventsPourIn() async throws {
        try await withDaemon { daemon in
            let connection = try await Connection.open(daemon.uri())
            let other = try await Connection.open(daemon.uri())
            let domain = try await other.lookUpDomain(name: "test")
            var events = try await connection.domainEvents().makeAsyncIterator()
            let storm = Task {
                var rounds = 0
                while !Task.isCancelled {
                    try await domain.suspend()
                    try await domain.resume()
                    rounds += 1
                }
                return rounds
            }
            _ = try await events.next()  // The storm has begun.
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<200 {
                    group.addTask {
                        index.isMultiple(of: 2)
                            ? try await connection.hostname().isEmpty == false
                            : try await connection.lookUpDomain(name: "test").name == "test"
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
            storm.cancel()
            let rounds = try? await storm.value
            #expect((rounds ?? 1) > 0)
            // Every round told of two events, in order.
            guard case .event(let event) = try await events.next() else {
                Issue.record("no event")
                return
            }
            #expect(event.kind == .lifecycle)
        }
    }

    @Test func aDaemonThatIsKilledEndsEveryCall() async throws {
        try await withDaemon { daemon in
            let connection = try await Connection.open(daemon.uri())
            #expect(try await connection.hostname().isEmpty == false)
            let outcomes = await withTaskGroup(of: Result<String, any Error>.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        do {
                            while true { _ = try await connection.hostname() }
                        } catch {
                            return .failure(error)
                        }
                    }
                }
                daemon.kill()
                var outcomes: [Result<String, any Error>] = []
                for await outcome in group { outcomes.append(outcome) }
                return outcomes
            }
            #expect(outcomes.count == 50)
            for outcome in outcomes {
                guard case .failure(let error as LibvirtError) = outcome else {
                    Issue.record("\(outcome)")
                    continue
                }
                #expect(error.isConnectionLost)
                #expect(
                    error.description.contains("was sent and may have")
                        || error.description.contains("was not sent"))
            }
            #expect(!connection.isAlive)
        }
    }

    @Test func cancellingFreesTheCallerAndNothingElse() async throws {
        try await withDaemon { daemon in
            let connection = try await Connection.open(daemon.uri())
            let task = Task { try await connection.capabilities() }
            task.cancel()
            let result = await task.result
            if case .failure(let error as LibvirtError) = result {
                #expect(error.description.contains("cancelled"))
            }
            #expect(try await connection.hostname().isEmpty == false)
            let late = await #expect(throws: LibvirtError.self) {
                _ = try await connection.call(
                    Remote.CONNECT_GET_CAPABILITIES, XDRVoid(), deadline: .now)
            }
            #expect(late?.description.contains("did not end in time") == true)
            #expect(try await connection.hostname().isEmpty == false)
        }
    }
}
