import Libvirt
import LibvirtProtocol

enum ErrorSnippets {
    static func findOrDefine(
        _ name: String, xml: String, on connection: Connection
    ) async throws -> Domain {
        // snippet
        do {
            return try await connection.lookUpDomain(name: name)
        } catch let error where error.code == .noDomain {
            return try await connection.defineDomain(xml: xml)
        }
        // end
    }

    static func create(
        _ domain: Domain, again: (Domain) async throws -> Domain
    ) async throws {
        func reconnected(to domain: Domain) async throws -> Domain { try await again(domain) }
        // snippet
        do {
            try await domain.create()
        } catch let error where error.mayHaveRun {
            guard try await reconnected(to: domain).isActive() else { throw error }
        }
        // end
    }

    static func deadline(_ connection: Connection) async throws -> [String: virDomainState] {
        // snippet
        let states = try await Connection.withDeadline(.now + .seconds(5)) {
            var states: [String: virDomainState] = [:]
            for domain in try await connection.listAllDomains() {
                states[domain.name] = try await domain.state().state
            }
            return states
        }
        // end
        return states
    }
}
