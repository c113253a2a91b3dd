import Libvirt
import LibvirtProtocol

enum EventSnippets {
    static func loop(_ connection: Connection) async throws {
        // snippet
        for try await notice in try await connection.domainEvents([.lifecycle, .reboot]) {
            switch notice {
            case .event(let event): print(event.name, event.content)
            case .lost(let count): print("\(count) events are lost: read the whole state again")
            case .undecodable(let kind, let problem): print("\(kind): \(problem)")
            }
        }
        // end
    }

    static func families(_ connection: Connection) async throws {
        // snippet
        let events = try await connection.events([
            .domains([.lifecycle, .deviceAdded, .deviceRemoved]),
            .networks(),
            .storagePools([.lifecycle, .refresh]),
        ])
        for try await notice in events {
            guard case .event(let event) = notice else { continue }
            switch event {
            case .domain(let event): print("domain", event.name)
            case .network(let event): print("network", event.name)
            case .storagePool(let event): print("pool", event.name)
            default: break
            }
        }
        // end
    }

    static func supervised(_ uri: String) async {
        // snippet
        let supervised = SupervisedConnection(uri, events: [.domains([.lifecycle])])
        await supervised.run { notice in
            switch notice {
            case .connected(let connection): await readEverything(over: connection)
            case .event(.domain(let event)): await look(at: event.uuid)
            case .event: break
            case .gap:
                if let connection = supervised.connection { await readEverything(over: connection) }
            case .undecodable(let kind, let problem): print("\(kind): \(problem)")
            case .disconnected(let error): print("no connection (\(error)), trying again")
            }
        }
        // end
    }

    private static func readEverything(over connection: Connection) async { print("everything") }

    private static func look(at domain: LibvirtUUID) async { print("look at \(domain)") }
}
