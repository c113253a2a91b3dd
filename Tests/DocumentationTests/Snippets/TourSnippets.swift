import Libvirt
import LibvirtProtocol

/// Leads URIs that are written in the documents to a test's own daemon.
fileprivate enum Connection {
    static func open(
        _ uri: String, readOnly: Bool = false
    ) async throws(LibvirtError) -> Libvirt.Connection {
        try await Libvirt.Connection.open(TourSnippets.daemon, readOnly: readOnly)
    }
}

enum TourSnippets {
    /// The daemon's URI.
    @TaskLocal static var daemon = ""

    static func landing() async throws {
        // snippet
        let connection = try await Connection.open("qemu:///system")
        for domain in try await connection.listAllDomains(flags: .active) {
            print(domain.name, try await domain.state().state)
        }
        await connection.close()
        // end
    }

    static func readme() async throws {
        // snippet
        let connection = try await Connection.open("qemu:///system")
        for domain in try await connection.listAllDomains(flags: .active) {
            print(domain.name, try await domain.state().state)
        }
        for try await notice in try await connection.domainEvents([.lifecycle, .metadataChange]) {
            if case .event(let event) = notice { print(event.name, event.content) }
        }
        // end
    }

    static func connecting() async throws {
        // snippet
        let connection = try await Connection.open("qemu:///system", readOnly: true)
        print(try await connection.hostname(), try await connection.hypervisorVersion())
        await connection.close()
        // end
    }

    static func fromGo() async throws {
        // snippet
        let connection = try await Connection.open("qemu:///system")
        let domain = try await connection.lookUpDomain(name: "web1")
        if try await domain.state().state != .running { try await domain.create() }
        await connection.close()
        // end
    }

    static func fromC() async throws {
        // snippet
        let connection = try await Connection.open("qemu:///system")
        for domain in try await connection.listAllDomains(flags: [.active, .persistent]) {
            let info = try await domain.info()
            print(domain.name, info.memory / 1024, "MiB", info.processorCount)
        }
        await connection.close()
        // end
    }
}
