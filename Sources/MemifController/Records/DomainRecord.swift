internal import Foundation

/// What stands, or was about to, for one domain: enough to take it away again, or to put it back
/// after a restart before libvirt can be asked.
///
/// A record is written before the first deed that it tells of, and struck out after the last thing
/// that it names is gone. Ports are kept as the attributes of their elements, so that reading a
/// record checks it with the rules of the schema.
struct DomainRecord: Hashable, Sendable {
    var vm: VMIdentifier
    var name: String
    /// Whether the domain ran when it was last looked at; so that peers are served after a restart
    /// while libvirt cannot be asked.
    var isRunning: Bool
    /// Whether it stood still then; so that no frame reaches it after a restart while it still does.
    var isPaused = false
    var ports: [PortDeclaration]
    /// Those of them, and more, that were asked for over the control socket.
    var added: [AddedPort] = []

    /// The format's version; a record of another is not read.
    static let version = 1

    /// JSON text.
    var encoded: [UInt8] {
        get throws {
            let file = File(
                version: Self.version, uuid: vm.description, name: name, running: isRunning,
                paused: isPaused ? true : nil, ports: ports.map(\.attributes),
                added: added.isEmpty
                    ? nil
                    : added.map {
                        Added(port: $0.declaration.attributes, expires: $0.expires)
                    })
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            return Array(try encoder.encode(file))
        }
    }

    /// Reads JSON text; nil when it is not a record of this version, whole and valid.
    init?(decoding bytes: [UInt8]) {
        guard let file = try? JSONDecoder().decode(File.self, from: Data(bytes)),
            file.version == Self.version, let vm = VMIdentifier(file.uuid)
        else { return nil }
        let ports = file.ports.compactMap { try? PortDeclaration(attributes: $0) }
        guard ports.count == file.ports.count else { return nil }
        let added = (file.added ?? []).compactMap { added in
            (try? PortDeclaration(attributes: added.port)).map {
                AddedPort(declaration: $0, expires: added.expires)
            }
        }
        guard added.count == file.added?.count ?? 0 else { return nil }
        self.init(
            vm: vm, name: file.name, isRunning: file.running, isPaused: file.paused ?? false,
            ports: ports, added: added)
    }

    init(
        vm: VMIdentifier, name: String, isRunning: Bool, isPaused: Bool = false,
        ports: [PortDeclaration], added: [AddedPort] = []
    ) {
        self.vm = vm
        self.name = name
        self.isRunning = isRunning
        self.isPaused = isPaused
        self.ports = ports
        self.added = added
    }

    private struct File: Codable {
        var version: Int
        var uuid: String
        var name: String
        var running: Bool
        /// Not there in records of the first daemons, nor where it is false.
        var paused: Bool?
        var ports: [[String: String]]
        /// Not there before ports could be added, nor where none were.
        var added: [Added]?
    }

    private struct Added: Codable {
        var port: [String: String]
        var expires: Int64?
    }
}
