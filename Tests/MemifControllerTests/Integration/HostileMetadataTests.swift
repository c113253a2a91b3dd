import Libvirt
import LibvirtProtocol
import LinuxIO
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

@Suite("Metadata of every kind, through a real libvirtd", .serialized)
struct HostileMetadataTests {
    /// Ports, and what the status is to say of them: by line, its state and a part of its reason.
    static let oddities: [(String, stands: Set<String>, says: [String: String])] = [
        ("<memif:port name='../x'/><memif:port name='a'/>", ["a"], ["memif:port[1]": "../x"]),
        ("<memif:port name='a/b'/><memif:port name='.a'/>", [], ["memif:port[2]": "'.a'"]),
        ("<memif:port name=''/><memif:port name='..'/>", [], ["memif:port[2]": "'..'"]),
        ("<memif:port name='&#x2e;&#x2e;&#x2f;x'/>", [], ["memif:port[1]": "../x"]),
        (
            "<memif:port name='l&#xe9;n'/><memif:port name='&#x202e;a'/>", [],
            ["memif:port[1]": "lén"]
        ),
        ("<memif:port name='a&#10;b'/>", [], ["memif:port[1]": "is no port name"]),
        (
            "<memif:port name='a' id='1'/><memif:port name='a' id='2'/>", ["a"],
            ["a": "earlier port"]
        ),
        ("<!-- <memif:port name='b'/> --><memif:port name='a'/>", ["a"], [:]),
        ("<![CDATA[<memif:port name='b'/>]]><memif:port name='a'/>", ["a"], [:]),
        ("<q:port xmlns:q='https://virtwire.dev/xmlns/memif/1' name='a'/>", ["a"], [:]),
        ("<q:port xmlns:q='urn:other' name='a'/>", [], ["memif:ports/*[1]": "q:port"]),
        ("<memif:port xmlns:q='urn:q' q:name='b' name='a'/>", ["a"], [:]),
        ("<memif:port memif:name='a'/>", [], ["memif:port[1]": "is missing"]),
        (
            "<memif:port name='a'><memif:port name='b'/></memif:port>", ["a"],
            ["a": "has <port> in it"]
        ),
        ("<memif:port name='a' owner='no-such-user'/>", [], ["a": "no user 'no-such-user'"]),
        ("<memif:port name='a' id='4294967296'/>", [], ["a": "attribute id"]),
        ("<memif:port name='a' linger='99999999999999999999s'/>", [], ["a": "attribute linger"]),
    ]

    @Test("nothing that a domain's author can write leads elsewhere than to its own port's line")
    func oddities() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        try await RealDaemon.run(in: libvirtd.scratch) { it in
            for (ports, stands, says) in Self.oddities {
                let domain = try await libvirtd.define(ports)
                #expect(await eventually { it.stands(stands) }, "\(ports)")
                for (line, reason) in says {
                    let isSaid = await eventually {
                        await it.port(line)?.reason.text.contains(reason) == true
                    }
                    let lines = await it.lines
                    #expect(isSaid, "\(ports): \(lines)")
                }
                try await domain.undefine()
                #expect(await eventually { it.hasNoDirectories }, "\(ports)")
                #expect(await eventually { await it.lines == [] }, "\(ports)")
            }
        }
    }

    @Test("long names and values, and deep nesting, stay within the status")
    func sizes() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        try await RealDaemon.run(in: libvirtd.scratch) { it in
            let long = String(repeating: "n", count: 49_000)
            let nested = (0..<200).reduce("") { inner, _ in "<memif:x>\(inner)</memif:x>" }
            let value = String(repeating: "v", count: 300_000)
            _ = try await libvirtd.define(
                "<memif:port name='a' \(long)='1' group='\(value)'/><memif:\(long)/>\(nested)"
                    + "<memif:port name='b'/>")
            #expect(await eventually { await it.state("b") == "Waiting" })
            #expect(await it.state("a") == "Failed")
            let longest = try await it.status().ports.map(\.reason.text.utf8.count).max()
            #expect(try #require(longest) < 1000)
            let name = String(repeating: "é", count: 200_000)
            _ = try await libvirtd.define("<memif:port name='c'/>", vm: Sample.vm(2), name: name)
            #expect(await eventually { await it.state("c", vm: Sample.vm(2)) == "Waiting" })
            let record = try File.read(it.layout.record(of: Sample.vm(2)), limit: 16_384)
            #expect(DomainRecord(decoding: record)?.ports.map(\.name) == ["c"])
            // As many warnings as there are errors, and more: the port that fails is told of.
            let warnings = String(repeating: "<memif:x/>", count: 100)
            _ = try await libvirtd.define("\(warnings)<memif:port name='d' id='x'/>")
            #expect(await eventually { await it.state("d") == "Failed" })
        }
    }
}
