import Foundation
import Libvirt
import LibvirtTesting

/// A way to a daemon that does not end at a UNIX socket of this host's.
enum FarWay: CaseIterable, Sendable {
    case tls
    case ssh
    #if CyrusSASL
        /// Plain TCP, under the security layer of DIGEST-MD5.
        case sasl
    #endif
}

extension VolumePool {
    /// As ``with(_:)``, with a connection that goes that way.
    static func with(
        over way: FarWay, _ body: (VolumePool) async throws -> Void
    ) async throws {
        switch way {
        case .tls: try await withTLS(body)
        case .ssh: try await withSSH(body)
        #if CyrusSASL
            case .sasl: try await withSASL(body)
        #endif
        }
    }

    private static func withTLS(_ body: (VolumePool) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            "ca-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        ).path
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let authority = try await TestAuthority(in: directory)
        let address = TestLibvirtd.Network.loopbackAddress()
        try await authority.issue(.server, names: "IP:\(address)")
        try await authority.issue(.client)
        try await withDaemon(network: .tls(authority, address: address)) { daemon in
            let connection = try await Connection.open(
                "storage+tls://\(address)/system?pkipath=\(directory)")
            try await with(daemon, connection, body)
        }
    }

    private static func withSSH(_ body: (VolumePool) async throws -> Void) async throws {
        try await withDaemon { daemon in
            let directory = daemon.directory + "/ssh"
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: false)
            let server = try await TestSSHServer(in: directory, beside: daemon)
            do {
                let connection = try await Connection.open(
                    "storage+ssh://root@\(server.address):\(server.port)/system?"
                        + server.parameters)
                try await with(daemon, connection, body)
            } catch {
                await server.stop()
                throw error
            }
            await server.stop()
        }
    }

    #if CyrusSASL
        private static func withSASL(_ body: (VolumePool) async throws -> Void) async throws {
            let setup = SASLSetup(mechanisms: ["DIGEST-MD5"], users: ["fred": "secret"])
            let network = TestLibvirtd.Network.tcp(authentication: "sasl")
            try await withDaemon(network: network, sasl: setup) { daemon in
                let connection = try await Connection.open(
                    "storage+tcp://\(network.address)/system",
                    authentication: AuthenticationOptions { _ in
                        Credentials(name: "fred", password: "secret")
                    })
                try await with(daemon, connection, body)
            }
        }
    #endif
}
