import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import LinuxIO
import Synchronization
import Testing
import XDR

/// What a daemon would do with them needs containers; that they pass, and which they are, does not.
@Suite("Files for a guest's first process, and its namespaces", .timeLimit(.minutes(4)))
struct FilesTests {
    private static let raw = remote_nonnull_domain(name: "vm", uuid: remote_uuid(), id: 1)
    private static let started = remote_nonnull_domain(name: "vm", uuid: remote_uuid(), id: 7)

    @Test("a domain is created with them: they arrive in order, and nobody keeps one")
    func createXML() async throws {
        try await withFakeDomain(Self.raw) { daemon, domain in
            let arrived = ArrivedFiles()
            let asked = Mutex<remote_domain_create_xml_with_files_args?>(nil)
            daemon.servePassing(Remote.DOMAIN_CREATE_XML_WITH_FILES) { arguments, passed in
                asked.withLock { $0 = arguments }
                arrived.note(passed)
                return (.init(dom: Self.started), nil)
            }
            for count in [1, 32] {
                let files = try GivenFiles(count)
                let before = arrived.identities.count
                let created = try await domain.connection.createDomain(
                    xml: "<domain/>", files: files.take(), flags: .startPaused)
                #expect(created.name == "vm" && created.id == 7)
                #expect(arrived.identities.dropFirst(before).elementsEqual(files.identities))
                try await eventually("all are closed") { files.openCount == 0 }
            }
            // VIR_DOMAIN_START_PAUSED is 1.
            #expect(asked.withLock(\.self) == .init(xml_desc: "<domain/>", flags: 1))
        }
    }

    @Test("a domain that is defined is started with them, and has its new number")
    func create() async throws {
        try await withFakeDomain(Self.raw) { daemon, domain in
            let arrived = ArrivedFiles()
            let asked = Mutex<remote_domain_create_with_files_args?>(nil)
            daemon.servePassing(Remote.DOMAIN_CREATE_WITH_FILES) { arguments, passed in
                asked.withLock { $0 = arguments }
                arrived.note(passed)
                return (.init(dom: Self.started), nil)
            }
            let files = try GivenFiles(3)
            let started = try await domain.create(files: files.take(), flags: .startAutodestroy)
            #expect(started.id == 7)
            #expect(arrived.identities == files.identities)
            // VIR_DOMAIN_START_AUTODESTROY is 2.
            #expect(asked.withLock(\.self) == .init(dom: Self.raw, flags: 2))
            try await eventually("all are closed") { files.openCount == 0 }
        }
    }

    @Test("none at all may pass as well")
    func none() async throws {
        try await withFakeDomain(Self.raw) { daemon, domain in
            let counts = Mutex<[Int?]>([])
            daemon.servePassing(Remote.DOMAIN_CREATE_WITH_FILES) { _, passed in
                counts.withLock { $0.append(passed?.count) }
                return (.init(dom: Self.started), nil)
            }
            let started = try await domain.create(files: DescriptorQueue())
            #expect(started.id == 7)
            #expect(counts.withLock(\.self) == [nil])
        }
    }

    @Test("those of a call that is refused are closed")
    func refused() async throws {
        try await withFakeDomain(Self.raw) { daemon, domain in
            daemon.servePassing(Remote.DOMAIN_CREATE_WITH_FILES) { _, _ throws(CallRefusal) in
                throw CallRefusal(.noSupport, "no files here", domain: .qemu)
            }
            let files = try GivenFiles(4)
            let creating = Task { _ = try await domain.create(files: files.take()) }
            let error = await failure(of: creating)
            #expect(error?.code == .noSupport)
            try await eventually("all are closed") { files.openCount == 0 }
        }
    }

    @Test("the namespaces come in order, and are closed with the queue that brings them")
    func namespaces() async throws {
        try await withFakeDomain(Self.raw) { daemon, domain in
            let files = try GivenFiles(6)
            let asked = Mutex<lxc_domain_open_namespace_args?>(nil)
            daemon.servePassing(Lxc.DOMAIN_OPEN_NAMESPACE) { arguments, _ in
                asked.withLock { $0 = arguments }
                return (XDRVoid(), PassedDescriptors(files.take()))
            }
            #expect(try await openedFirst(domain) == files.identities)
            #expect(asked.withLock(\.self) == .init(dom: Self.raw, flags: 0))
            try await eventually("all are closed") { files.openCount == 0 }
            // A container without any.
            #expect(try await openedFirst(domain) == [])
        }
    }

    /// Which namespaces there are; half of them are taken, the others go with the queue.
    private func openedFirst(_ domain: Domain) async throws -> [FileIdentity] {
        var namespaces = try await domain.openNamespaces()
        var identities: [FileIdentity] = []
        let copies = try namespaces.duplicate()
        for index in 0..<copies.count {
            identities.append(try copies.duplicate(at: index).status().identity)
        }
        for _ in 0..<namespaces.count / 2 { _ = namespaces.popFirst() }
        return identities
    }
}

/// The error that a task ends with.
private func failure(of task: Task<Void, any Error>) async -> LibvirtError? {
    guard case .failure(let error) = await task.result else { return nil }
    return error as? LibvirtError
}
