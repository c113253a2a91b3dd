import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import Synchronization
import Testing
import XDR

@testable import Libvirt

/// Calls that last, beside those that do not.
@Suite("Which connection carries a call", .timeLimit(.minutes(2))) struct CallPlacementTests {
    private static let raw = remote_nonnull_domain(name: "vm", uuid: remote_uuid(), id: 1)

    private func withDomain(
        readOnly: Bool = false, allowsOthers: Bool = true,
        _ body: (FakeLibvirtd, Domain) async throws -> Void
    ) async throws {
        try await withFake { daemon in
            daemon.serve(Remote.DOMAIN_LOOKUP_BY_NAME) { _ in .init(dom: Self.raw) }
            daemon.serve(Remote.DOMAIN_MANAGED_SAVE) { _ in XDRVoid() }
            let connection = try await Connection.open(
                daemon.uri, readOnly: readOnly, allowsOthers: allowsOthers)
            try await body(daemon, try await connection.lookUpDomain(name: "vm"))
            await connection.close()
        }
    }

    @Test("what lasts does not hold up the others, and eight at once are enough")
    func apart() async throws {
        try await withDomain { daemon, domain in
            for _ in 0..<12 { daemon.inject(.hold, into: Remote.DOMAIN_MANAGED_SAVE) }
            let saves = (0..<12).map { _ in Task { try await domain.managedSave() } }
            try await eventually("eight are on their way") { daemon.heldCallCount == 8 }
            #expect(daemon.clientCount == 9)
            for _ in 0..<20 { #expect(try await domain.connection.hostname() == "fake") }
            #expect(daemon.heldCallCount == 8)

            let late = await #expect(throws: LibvirtError.self) {
                try await domain.connection.call(
                    Remote.DOMAIN_MANAGED_SAVE, .init(dom: Self.raw, flags: 0),
                    deadline: .now + .milliseconds(20))
            }
            #expect(
                late?.description.contains("did not end in time; the call was not sent") == true)
            let cancelled = Task { try await domain.managedSave() }
            cancelled.cancel()
            let result = await cancelled.result
            #expect(throws: LibvirtError.self) { try result.get() }

            daemon.releaseHeldCalls()
            try await eventually("the others follow") { daemon.heldCallCount == 4 }
            daemon.releaseHeldCalls()
            for save in saves { try await save.value }
            // Two are kept for the next.
            try await eventually("the rest are closed") { daemon.clientCount == 3 }
            try await domain.managedSave()
            #expect(daemon.clientCount == 3)
        }
    }

    @Test("one that is given up takes its connection with it, and the daemon has its place back")
    func givenUp() async throws {
        try await withDomain { daemon, domain in
            for round in 0..<10 {
                daemon.inject(.hold, into: Remote.DOMAIN_MANAGED_SAVE)
                let save = Task { try await domain.managedSave() }
                try await eventually("save \(round) is held") { daemon.heldCallCount == round + 1 }
                save.cancel()
                let result = await save.result
                #expect(throws: LibvirtError.self) { try result.get() }
            }
            try await eventually("one connection is left") { daemon.clientCount == 1 }
            daemon.releaseHeldCalls()
        }
    }

    @Test("whoever wants the shared one gets it; and it serves where there is no other")
    func shared() async throws {
        try await withDomain { daemon, domain in
            let connection = domain.connection
            _ = try await connection.call(
                Remote.DOMAIN_MANAGED_SAVE, .init(dom: Self.raw, flags: 0), placement: .shared)
            #expect(daemon.clientCount == 1)
            daemon.inject(.close, into: Remote.AUTH_LIST)
            try await domain.managedSave()
            try await eventually("the refused one is gone") { daemon.clientCount == 1 }
            _ = try await connection.call(
                Remote.CONNECT_GET_HOSTNAME, XDRVoid(), placement: .ownConnection)
            #expect(daemon.clientCount == 1, "the daemon has just refused another one")
        }
        try await withDomain(allowsOthers: false) { daemon, domain in
            try await domain.managedSave()
            _ = try await domain.connection.call(
                Remote.CONNECT_GET_HOSTNAME, XDRVoid(), placement: .ownConnection)
            #expect(daemon.clientCount == 1)
        }
    }

    @Test("a daemon that lets nobody else in is waited for once, and then left alone for a while")
    func unanswered() async throws {
        try await withDomain { daemon, domain in
            let authentications = { daemon.calls.filter { $0 == Remote.AUTH_LIST.name }.count }
            daemon.inject(.hold, into: Remote.AUTH_LIST)
            try await SideAttempts.$patience.withValue(.seconds(2)) {
                let first = Task { try await domain.managedSave() }
                try await eventually("it is before the door") { daemon.heldCallCount == 1 }
                try await first.value
                let before = authentications()
                #expect(before == 2)
                try await domain.managedSave()
                #expect(authentications() == before)
            }
            daemon.releaseHeldCalls()
        }
    }

    @Test("the next attempt comes a minute after a failure, and never behind a refused login")
    func attempts() {
        let now = ContinuousClock.now
        var attempts = SideAttempts()
        #expect(attempts.isAllowed(at: now))
        attempts.failed(LibvirtError(.unreachable([]), uri: "test:///default"), at: now)
        #expect(!attempts.isAllowed(at: now + .seconds(59)))
        #expect(attempts.isAllowed(at: now + .seconds(60)))
        attempts.failed(
            LibvirtError(.authentication(.init(.declined)), uri: "test:///default"), at: now)
        #expect(!attempts.isAllowed(at: now + .seconds(100_000)))
        attempts.failed(LibvirtError(.unreachable([]), uri: "test:///default"), at: now)
        #expect(!attempts.isAllowed(at: now + .seconds(100_000), awaitsPause: false))
        attempts.succeeded(at: now)
        #expect(attempts.isAllowed(at: now))
        #expect(attempts.haveSucceeded(since: now))
        #expect(!attempts.haveSucceeded(since: now + .seconds(1)))
    }

    @Test("whose own time was too short says nothing; and polkit's dialog comes once")
    func tooLate() {
        let now = ContinuousClock.now
        func late(_ procedure: String) -> LibvirtError {
            LibvirtError(
                RPCError(.deadlineExceeded(.mayHaveRun), procedure: procedure),
                uri: "test:///default")
        }
        var attempts = SideAttempts()
        attempts.failed(late("AUTH_LIST"), isCallers: true, at: now)
        #expect(attempts.isAllowed(at: now))
        attempts.failed(late("AUTH_LIST"), at: now)
        #expect(!attempts.isAllowed(at: now))
        #expect(attempts.isAllowed(at: now, awaitsPause: false))
        attempts.failed(late("AUTH_POLKIT"), isCallers: true, at: now)
        #expect(!attempts.isAllowed(at: now + .seconds(100_000), awaitsPause: false))
    }

    @Test("one tries the door, and those who came meanwhile follow it in or stay with it outside")
    func oneTries() async throws {
        try await withDomain { daemon, domain in
            let authentications = { daemon.calls.filter { $0 == Remote.AUTH_LIST.name }.count }
            // The answer is made before it is held.
            daemon.serve(Remote.AUTH_LIST) { _ throws(CallRefusal) in
                throw CallRefusal(.authFailed, "not now")
            }
            daemon.inject(.hold, into: Remote.AUTH_LIST)
            let refused = (0..<8).map { _ in Task { try await domain.managedSave() } }
            try await eventually("one is before the door") { daemon.heldCallCount == 1 }
            daemon.releaseHeldCalls()
            for save in refused { try await save.value }
            #expect(authentications() == 2 && daemon.clientCount <= 2)
        }
        try await withDomain { daemon, domain in
            daemon.inject(.hold, into: Remote.AUTH_LIST)
            for _ in 0..<8 { daemon.inject(.hold, into: Remote.DOMAIN_MANAGED_SAVE) }
            let admitted = (0..<8).map { _ in Task { try await domain.managedSave() } }
            try await eventually("one is before the door") { daemon.heldCallCount == 1 }
            #expect(daemon.clientCount == 2)
            daemon.releaseHeldCalls()
            try await eventually("all have come in") { daemon.heldCallCount == 8 }
            #expect(daemon.clientCount == 9)
            daemon.releaseHeldCalls()
            for save in admitted { try await save.value }
        }
    }

    /// Has all four places of a connection taken by calls that hang and were given up.
    private func getStuck(_ connection: Connection, _ daemon: FakeLibvirtd) async throws {
        for _ in 0..<4 { daemon.inject(.hold, into: Remote.CONNECT_GET_HOSTNAME) }
        let calls = (0..<4).map { _ in Task { try await connection.hostname() } }
        try await eventually("the daemon has its fill") { daemon.heldCallCount == 4 }
        for call in calls { call.cancel() }
        for call in calls { _ = await call.result }
        try await eventually("it counts as stuck") { connection.link.isStuck }
    }

    @Test("who falls back to a connection that is stuck leaves the next attempt a place")
    func fallenBack() async throws {
        try await withDomain { daemon, domain in
            let connection = domain.connection
            try await getStuck(connection, daemon)

            daemon.inject(.close, into: Remote.AUTH_LIST)
            let stuck = (0..<8).map { _ in Task { try await connection.hostname() } }
            try await eventually("they have fallen back") {
                connection.link.waitingCallCount == 8
            }
            let name = try await SideAttempts.$pause.withValue(.zero) {
                try await connection.hostname()
            }
            #expect(name == "fake")
            daemon.releaseHeldCalls()
            for call in stuck { #expect(try await call.value == "fake") }
        }
    }

    @Test("who asks about domains that may hang holds up nobody, on a read-only connection too")
    func hanging() async throws {
        try await withDomain(readOnly: true) { daemon, domain in
            daemon.serve(Remote.DOMAIN_GET_XML_DESC) { _ in .init(xml: "<domain/>") }
            for _ in 0..<6 { daemon.inject(.hold, into: Remote.DOMAIN_GET_XML_DESC) }
            let questions = (0..<6).map { _ in
                Task {
                    try await Connection.withPlacement(.ownConnection) { () throws(LibvirtError) in
                        try await domain.xml()
                    }
                }
            }
            try await eventually("all six are on their way") { daemon.heldCallCount == 6 }
            #expect(try await domain.xml() == "<domain/>")
            #expect(daemon.clientCount == 7)
            daemon.releaseHeldCalls()
            for question in questions { #expect(try await question.value == "<domain/>") }
        }
    }

    @Test("behind four calls that were given up and hang, the next ones go over another connection")
    func stuck() async throws {
        try await withDomain { daemon, domain in
            let connection = domain.connection
            try await getStuck(connection, daemon)
            #expect(try await connection.hostname() == "fake")
            #expect(daemon.clientCount == 2)

            // What belongs to its connection stays with it, and so does what is told to.
            for placement in [CallPlacement.automatic, .shared] {
                let error = await #expect(throws: LibvirtError.self) {
                    try await connection.call(
                        Remote.DOMAIN_CREATE_XML, .init(xml_desc: "<domain/>", flags: 2),
                        placement: placement, deadline: .now + .milliseconds(20))
                }
                #expect(error?.mayHaveRun == false)
            }
            #expect(!daemon.calls.contains(Remote.DOMAIN_CREATE_XML.name))

            daemon.releaseHeldCalls()
            try await eventually("its places are free again") { connection.link.hasFreePlace }
            #expect(try await connection.hostname() == "fake")
            #expect(daemon.clientCount == 2)
        }
    }

    @Test("what belongs to its connection is known by name") func bound() {
        let names = Remote.procedures.map(\.name).filter(BoundCalls.contains)
        #expect(names.contains("DOMAIN_MIGRATE_PREPARE3_PARAMS"))
        #expect(names.contains("CONNECT_SECRET_EVENT_DEREGISTER_ANY"))
        #expect(names.contains("DOMAIN_CREATE_WITH_FLAGS"))
        #expect(!names.contains("DOMAIN_DESTROY") && !names.contains("DOMAIN_GET_XML_DESC"))
    }

    @Test("those that nobody has used for a while are ended, and the next call has a new one")
    func idle() async throws {
        try await withDomain { daemon, domain in
            try await domain.managedSave()
            let sides = try #require(domain.connection.sides)
            sides.close(idleSince: .now - SideConnections.longestIdle)
            #expect(daemon.clientCount == 2)
            sides.close(idleSince: .now)
            try await eventually("it is ended") { daemon.clientCount == 1 }
            try await domain.managedSave()
            #expect(daemon.clientCount == 2)
        }
    }

    @Test("a connection that is lost stays lost, for long calls too")
    func lost() async throws {
        try await withDomain { daemon, domain in
            try await domain.managedSave()
            daemon.disconnectClients()
            try await eventually("it is lost") { !domain.connection.isAlive }
            let error = await #expect(throws: LibvirtError.self) { try await domain.managedSave() }
            #expect(error?.isConnectionLost == true)
        }
    }

    @Test("the procedures that last have names that the protocol knows")
    func names() {
        #expect(Connection.longCalls.count == 42)
        #expect(Connection.longCalls.contains("DOMAIN_MIGRATE_PERFORM3_PARAMS"))
        #expect(Connection.longCalls.contains("DOMAIN_AGENT_COMMAND"))
        #expect(!Connection.longCalls.contains("DOMAIN_CREATE_XML"))
    }

    @Test("who logs in is asked once, whatever is opened beside the connection")
    func credentials() async throws {
        try await withFake { daemon in
            daemon.serve(Remote.DOMAIN_LOOKUP_BY_NAME) { _ in .init(dom: Self.raw) }
            daemon.serve(Remote.DOMAIN_MANAGED_SAVE) { _ in XDRVoid() }
            _ = FakeSASL(daemon, mechanisms: "SCRAM-SHA-256")
            let asked = Mutex(0)
            let password = Mutex("secret")
            let options = AuthenticationOptions { _ in
                asked.withLock { $0 += 1 }
                return Credentials(name: "fred", password: password.withLock(\.self))
            }
            let connection = try await Connection.open(daemon.uri, authentication: options)
            let domain = try await connection.lookUpDomain(name: "vm")
            try await domain.managedSave()
            #expect(daemon.clientCount == 2 && asked.withLock(\.self) == 1)

            // The password changes: what was answered is refused once, and forgotten.
            _ = FakeSASL(daemon, mechanisms: "SCRAM-SHA-256", password: "new")
            password.withLock { $0 = "new" }
            daemon.inject(.hold, into: Remote.DOMAIN_MANAGED_SAVE)
            let first = Task { try await domain.managedSave() }
            try await eventually("it is held") { daemon.heldCallCount == 1 }
            try await domain.managedSave()
            #expect(asked.withLock(\.self) == 1 && daemon.clientCount == 2)
            // Nor is it tried again: a few more might lock the account.
            try await domain.managedSave()
            #expect(asked.withLock(\.self) == 1 && daemon.clientCount == 2)
            daemon.releaseHeldCalls()
            try await first.value
            await connection.close()

            // Another connection is another matter.
            await (try Connection.open(daemon.uri, authentication: options)).close()
            #expect(asked.withLock(\.self) == 2)
        }
    }

    @Test("closing waits for nobody when the daemon has its fill of calls that were given up")
    func closing() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            for _ in 0..<4 { daemon.inject(.hold, into: Remote.CONNECT_GET_HOSTNAME) }
            let calls = (0..<4).map { _ in Task { try await connection.hostname() } }
            try await eventually("the daemon has its fill") { daemon.heldCallCount == 4 }
            for call in calls { call.cancel() }
            for call in calls { _ = await call.result }
            await connection.close()
            #expect(!daemon.calls.contains("CONNECT_CLOSE"))
            #expect(daemon.heldCallCount == 4)
            daemon.releaseHeldCalls()
        }
    }
}
