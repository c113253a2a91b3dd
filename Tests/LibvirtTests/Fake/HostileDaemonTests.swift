import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import Testing
import XDR

@testable import Libvirt

/// What a daemon may send to hurt its client, and what must not reach a daemon.
@Suite("Hostile texts and floods", .timeLimit(.minutes(4))) struct HostileDaemonTests {
    @Test("an error's description cannot play with the terminal") func escapes() async throws {
        try await withFake { daemon in
            let hostile = "no \u{1B}]0;title\u{07}\u{9B}2J\u{202E}such\r\ndom\u{200B}ain\u{7F}"
            daemon.serve(Remote.DOMAIN_LOOKUP_BY_NAME) { _ throws(CallRefusal) in
                throw CallRefusal(.noDomain, hostile)
            }
            let connection = try await Connection.open(daemon.uri)
            do throws(LibvirtError) {
                _ = try await connection.lookUpDomain(name: "x")
                Issue.record("it was found")
            } catch {
                #expect(
                    error.description
                        == "DOMAIN_LOOKUP_BY_NAME: no \\u{1b}]0;title\\u{7}\\u{9b}2J\\u{202e}such  "
                        + "dom\\u{200b}ain\\u{7f} (\(daemon.uri))")
                guard case .server(let server) = error.kind else {
                    Issue.record("\(error)")
                    return
                }
                #expect(server.message == hostile)
            }
        }
    }

    @Test("an endless error is cut in its description") func endless() async throws {
        try await withFake { daemon in
            daemon.serve(Remote.CONNECT_GET_HOSTNAME) { _ throws(CallRefusal) in
                throw CallRefusal(.internalError, String(repeating: "a", count: 60_000))
            }
            let connection = try await Connection.open(daemon.uri)
            let error = await #expect(throws: LibvirtError.self) {
                try await connection.hostname()
            }
            #expect(error?.description.count == 4097)
        }
    }

    @Test(
        "what an older server does not know is an error of its own kind", arguments: [true, false])
    func unsupported(knowsProgram: Bool) async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            let error = await #expect(throws: LibvirtError.self) {
                if knowsProgram {
                    _ = try await connection.libraryVersion()
                } else {
                    _ = try await connection.call(
                        Qemu.DOMAIN_MONITOR_COMMAND,
                        qemu_domain_monitor_command_args(
                            dom: .init(name: "x", uuid: remote_uuid(), id: 1), cmd: "y", flags: 0))
                }
            }
            guard case .unsupported(let server) = error?.kind else {
                Issue.record("not unsupported: \(String(describing: error))")
                return
            }
            #expect(server.code == .rpc)
            #expect(error?.description.hasPrefix("the server does not support ") == true)
            #expect(connection.isAlive)
        }
    }

    @Test("a name with a NUL, of which a daemon would read the start, is not sent")
    func embeddedNUL() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            let error = await #expect(throws: LibvirtError.self) {
                try await connection.lookUpDomain(name: "vm1\0evil")
            }
            #expect(error?.description.contains("a string without NUL") == true)
            #expect(!daemon.calls.contains("DOMAIN_LOOKUP_BY_NAME"))
        }
    }

    @Test("a slow reader's memory is bounded in bytes, and the loss is told")
    func hugeEvents() async throws {
        let buffer = EventBuffer<Int>(capacity: 100, mostBytes: 10)
        for number in 0..<5 { buffer.put(number, byteCount: 4) }
        for expected in 0..<2 {
            guard case .element(expected) = await buffer.next() else {
                Issue.record("\(expected) is missing")
                return
            }
        }
        guard case .lost(3) = await buffer.next() else {
            Issue.record("the loss was not told")
            return
        }
        buffer.put(5, byteCount: 10)
        guard case .element(5) = await buffer.next() else {
            Issue.record("what was read still counts")
            return
        }
    }

    @Test("numbers of processors that no host has do no harm", arguments: [Int32.min, -1, .max])
    func absurdProcessors(number: Int32) async throws {
        try await withFake { daemon in
            daemon.serve(Remote.DOMAIN_LOOKUP_BY_NAME) { arguments in
                .init(dom: .init(name: arguments.name, uuid: remote_uuid(), id: 1))
            }
            daemon.serve(Remote.DOMAIN_GET_MAX_VCPUS) { _ in .init(num: number) }
            daemon.serve(Remote.NODE_GET_INFO) { _ in
                .init(
                    model: [UInt8](repeating: 0, count: 32), memory: .max, cpus: number,
                    mhz: number, nodes: number, sockets: number, cores: number, threads: number)
            }
            daemon.serve(Remote.DOMAIN_GET_VCPUS) { arguments in
                let info = remote_vcpu_info(number: 7, state: 1, cpu_time: 2, cpu: 3)
                return .init(info: [info, info], cpumaps: [UInt8](repeating: 0xFF, count: 3000))
            }
            let connection = try await Connection.open(daemon.uri)
            let processors = try await connection.lookUpDomain(name: "vm").vcpus()
            #expect(processors.map(\.number) == [7, 7])
            #expect(processors.map(\.state) == [.running, .running])
            #expect(processors.map(\.hostProcessor) == [3, 3])
            #expect(processors.map(\.affinity.count) == (number == .max ? [2048, 952] : [0, 0]))
            await connection.close()
        }
    }
}
