import Foundation
import Libvirt
import LibvirtProtocol
import XDR

/// Decodes a reply that was captured in a file, again and again.
struct Codec {
    private let reply: [UInt8]
    private let decode: ([UInt8]) throws -> Int

    init(_ what: String, file: String) throws {
        reply = Array(try Data(contentsOf: URL(fileURLWithPath: file)))
        decode =
            what == "list"
            ? { try XDR.decode(remote_connect_list_all_domains_ret.self, from: $0).domains.count }
            : {
                try XDR.decode(remote_connect_get_all_domain_stats_ret.self, from: $0)
                    .retStats.count
            }
    }

    func run(seconds: Double) throws -> Run {
        let watch = Stopwatch()
        let end = ContinuousClock.now + .seconds(seconds)
        var operations = 0
        while ContinuousClock.now < end {
            guard try decode(reply) > 0 else { throw EmptyReply() }
            operations += 1
        }
        return watch.stop(operations)
    }

    struct EmptyReply: Error {}

    /// Writes replies as they are on the wire: a list of domains, what the daemon says of them, and as
    /// much of each as QEMU's driver says of a domain that runs.
    static func capture(_ connection: Connection, into directory: String) async throws {
        let list = try await connection.call(
            Remote.CONNECT_LIST_ALL_DOMAINS, .init(need_results: 1, flags: 0))
        let stats = try await connection.call(
            Remote.CONNECT_GET_ALL_DOMAIN_STATS, .init(doms: [], stats: 0, flags: 0))
        try write(try XDR.encode(list), "\(directory)/list")
        try write(try XDR.encode(stats), "\(directory)/stats")
        let full = remote_connect_get_all_domain_stats_ret(
            retStats: list.domains.map { .init(dom: $0, params: parameters) })
        try write(try XDR.encode(full), "\(directory)/full-stats")
    }

    private static func write(_ bytes: [UInt8], _ path: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    /// The fields of a domain with two processors, a disk and a network interface.
    private static var parameters: [remote_typed_param] {
        let names =
            ["cpu.time", "cpu.user", "cpu.system"]
            + ["current", "maximum", "swap_in", "swap_out", "available", "rss"].map {
                "balloon.\($0)"
            }
            + (0..<2).flatMap { cpu in
                ["time", "wait", "delay"].map { "vcpu.\(cpu).\($0)" }
            }
            + ["rx", "tx"].flatMap { way in
                ["bytes", "pkts", "errs", "drop"].map { "net.0.\(way).\($0)" }
            }
            + ["rd", "wr", "fl"].flatMap { kind in
                ["reqs", "bytes", "times"].map { "block.0.\(kind).\($0)" }
            }
        let counters = names.enumerated().map { index, name in
            remote_typed_param(field: XDRString(name), value: .ul(UInt64(index) << 20))
        }
        let texts = ["net.0.name": "vnet0", "block.0.name": "vda"].map {
            remote_typed_param(field: XDRString($0), value: .s(XDRString($1)))
        }
        return counters + texts
    }
}
