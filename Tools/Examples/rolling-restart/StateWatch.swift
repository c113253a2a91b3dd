internal import ExampleSupport
internal import Libvirt
internal import LibvirtProtocol

/// Waits for states of a domain without asking again and again: its events say when to look.
struct StateWatch {
    private let domain: Domain
    private let events: DomainEvents

    /// Begins to listen, so that nothing is missed of what is done to the domain after this.
    init(_ domain: Domain) async throws {
        self.domain = domain
        events = try await domain.connection.domainEvents([.lifecycle], of: domain)
    }

    /// Whether the domain comes into a state in time.
    func reaches(_ wanted: virDomainState, within limit: Duration) async throws -> Bool {
        let isThere = try await ExampleSupport.within(limit) { [domain, events] in
            if try await domain.state().state == wanted { return true }
            // An event tells that something happened; what is so now, the daemon knows.
            for try await _ in events where try await domain.state().state == wanted {
                return true
            }
            return false
        }
        return isThere ?? false
    }
}

extension Domain {
    /// Asks the guest's agent for the time until it answers.
    func waitForAgent() async throws -> Bool {
        while true {
            do throws(LibvirtError) {
                _ = try await time()
                return true
            } catch {
                // Not there yet, or not answering yet.
                guard error.code == .agentUnresponsive || error.code == .operationInvalid else {
                    throw error
                }
            }
            try await Task.sleep(for: .milliseconds(500))
        }
    }
}
