import Libvirt
import LibvirtRPC

enum ConnectingSnippets {
    static func explain() throws {
        // snippet
        let plan = try Connection.explain("qemu+ssh://admin@kvm7/system?proxy=native")
        print(plan)
        // end
    }

    static func login(uri: String) async throws -> Connection {
        // snippet
        let login = AuthenticationOptions { request in
            print("\(request.host) wants \(request.mechanism)")
            return Credentials(name: "fred", password: try password(for: request.host))
        }
        let connection = try await Connection.open(uri, authentication: login)
        // end
        return connection
    }

    private static func password(for host: String) throws -> String { "secret" }

    static func silence(uri: String) async throws -> Connection {
        // snippet
        let connection = try await Connection.open(
            uri, keepalive: KeepalivePolicy(interval: .seconds(5), count: 5),
            deadline: .now + .seconds(10))
        // end
        return connection
    }

}
