internal import Foundation
internal import Synchronization

/// A port that was asked for over the control socket, beside those that the domain declares itself.
struct AddedPort: Hashable, Sendable {
    var declaration: PortDeclaration
    /// When it ends, in milliseconds since 1970; nil: with the domain's definition.
    var expires: Int64?

    /// The present in the clock that ``expires`` is of: it has to mean the same after a restart.
    static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
}

/// All added ports. Each look at a domain reads those of the domain as it reads its XML; the domain's
/// record has them over restarts.
final class AddedPorts: Sendable {
    private let ports = Mutex<[VMIdentifier: [String: AddedPort]]>([:])

    /// Those of one domain that have not ended, sorted by name.
    func ports(of vm: VMIdentifier) -> [AddedPort] {
        let now = AddedPort.now
        return ports.withLock { $0[vm]?.values.filter { $0.expires ?? .max > now } ?? [] }
            .sorted { $0.declaration.name < $1.declaration.name }
    }

    /// Adds one, in place of one of the same name.
    ///
    /// - Returns: that one.
    @discardableResult
    func add(_ port: AddedPort, to vm: VMIdentifier) -> AddedPort? {
        ports.withLock { $0[vm, default: [:]].updateValue(port, forKey: port.declaration.name) }
    }

    /// Takes one away.
    ///
    /// - Returns: nil when there is none of that name.
    @discardableResult
    func remove(_ name: String, of vm: VMIdentifier) -> AddedPort? {
        ports.withLock { ports in
            defer { if ports[vm]?.isEmpty == true { ports[vm] = nil } }
            return ports[vm]?.removeValue(forKey: name)
        }
    }

    /// The definition is gone, and takes along what was added to it; what has an end of its own stays
    /// until then.
    func loseDefinition(of vm: VMIdentifier) {
        let now = AddedPort.now
        ports.withLock { ports in
            let rest = ports[vm]?.filter { ($0.value.expires ?? 0) > now } ?? [:]
            ports[vm] = rest.isEmpty ? nil : rest
        }
    }
}

extension DeclaredPorts {
    /// Takes in what was added to what the domain declares; the domain's word goes first, and the
    /// host's policy before both.
    ///
    /// - Returns: all that is to stand.
    mutating func joined(
        _ declared: [PortDeclaration], with added: [AddedPort], under rule: PolicyRule
    ) -> [PortDeclaration] {
        joined(declared, with: added.map(\.declaration), called: "added port", under: rule)
    }

    /// As above, for ports from anywhere else.
    ///
    /// - Parameter element: where they come from, for what is found about them.
    mutating func joined(
        _ declared: [PortDeclaration], with others: [PortDeclaration], called element: String,
        under rule: PolicyRule
    ) -> [PortDeclaration] {
        var result = declared
        let names = Set(declared.map(\.name)).union(malformed)
        for port in others where !names.contains(port.name) {
            if let breach = rule.breach(of: port, beside: result.count) {
                add(
                    DeclarationFinding(
                        severity: .error, element: element, port: port.name,
                        attribute: breach.attribute?.rawValue, problem: breach.problem,
                        remedy: breach.remedy, isBreach: true))
            } else {
                result.append(port)
            }
        }
        return result
    }
}
