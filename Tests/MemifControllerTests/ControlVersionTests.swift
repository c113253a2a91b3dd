import LibvirtRPC
import MemifController
import Testing
import VirtwireProtocol
import XDR

@Suite("The control protocol over its versions")
struct ControlVersionTests {
    /// VERSION and STATUS as the first daemon had them, written down once and never generated anew.
    private enum First {
        static let program: UInt32 = 0x7677_7264
        static let version = XDRProcedure<XDRVoid, VersionResult>(
            program: program, version: 1, number: 1, name: "VERSION")
        static let status = XDRProcedure<XDRVoid, StatusResult>(
            program: program, version: 1, number: 2, name: "STATUS")
    }

    private struct VersionResult: XDRCodable {
        static let minimumByteCount = 8
        let version: String
        let level: UInt32

        init(from decoder: inout XDRDecoder) throws(XDRError) {
            version = try decoder.decodeString(limit: 65_536).text
            level = try decoder.decodeUInt32()
        }

        /// Only ever read.
        func encode(to encoder: inout XDREncoder) throws(XDRError) {}
    }

    private struct StatusResult: XDRCodable {
        static let minimumByteCount = 16
        let uri: String
        let isConnected: Bool
        var ports: [String] = []

        init(from decoder: inout XDRDecoder) throws(XDRError) {
            uri = try decoder.decodeString(limit: 65_536).text
            isConnected = try decoder.decodeBool()
            _ = try decoder.decodeString(limit: 65_536)
            let count = try decoder.decodeUInt32()
            for _ in 0..<count {
                let vm = try decoder.decodeString(limit: 65_536).text
                for _ in 0..<4 { _ = try decoder.decodeUInt32() }
                let name = try decoder.decodeString(limit: 65_536).text
                _ = try decoder.decodeString(limit: 65_536)
                for _ in 0..<3 { _ = try decoder.decodeUInt32() }
                let state = try decoder.decodeString(limit: 65_536).text
                for _ in 0..<2 { _ = try decoder.decodeString(limit: 65_536) }
                _ = try decoder.decodeUInt64()
                _ = try decoder.decodeString(limit: 65_536)
                for _ in 0..<2 { _ = try decoder.decodeUInt32() }
                for _ in 0..<6 { _ = try decoder.decodeUInt64() }
                ports.append("\(vm)/\(name) \(state)")
            }
        }

        /// Only ever read.
        func encode(to encoder: inout XDREncoder) throws(XDRError) {}
    }

    @Test("a client that knows the first two procedures only goes on working")
    func olderClient() async throws {
        try await ControlHarness.run { it in
            it.source.define(
                Sample.vm(1), "<memif:port name='a'/><memif:port name='b' queues='x'/>")
            #expect(try await it.waits(for: "Waiting", of: "a"))
            for path in [it.layout.controlSocket, it.layout.readOnlyControlSocket] {
                let link = try ControlHarness.connect(path)
                #expect(try await link.call(First.version, XDRVoid()).level >= 2)
                let status = try await link.call(First.status, XDRVoid())
                #expect(status.uri == "fake:///" && status.isConnected)
                #expect(status.ports == ["vm-1/a Waiting", "vm-1/b Failed"])
            }
        }
    }

    @Test("the procedures that a daemon tells of are those that it answers, by their numbers")
    func procedures() async throws {
        try await ControlHarness.run { it in
            let list = try await it.link.call(Virtwire.PROCEDURES, XDRVoid()).procedures
            #expect(list.map(\.number) == list.map(\.number).sorted())
            let names = list.map { "\($0.number) \($0.name.text)" }
            #expect(Array(names.prefix(4)) == ["1 VERSION", "2 STATUS", "3 PROCEDURES", "4 PORT"])
            let highest = try await it.link.call(Virtwire.VERSION, XDRVoid()).protocol
            let known = Set(list.map(\.number))
            for number in 1...(highest + 1) {
                // Arguments that are none make no procedure run that needs some.
                let blind = XDRProcedure<XDRVoid, XDRVoid>(
                    program: Virtwire.program, version: 1, number: Int32(number), name: "BLIND")
                var text = ""
                do {
                    _ = try await it.link.call(blind, XDRVoid())
                } catch {
                    text = "\(error)"
                }
                #expect(text.contains("unknown procedure: \(number)") != known.contains(number))
            }
        }
    }
}
