import Libvirt
import LibvirtProtocol
import LibvirtTesting
import Testing
import XDR

@Suite("Typed parameters")
struct TypedParameterTests {
    @Test("values by name: the first one counts, nil removes all, order is kept")
    func byName() {
        var parameters: TypedParameters = ["a": .int(1), "b": .string("x"), "a": .int(2)]
        #expect(parameters["a"] == .int(1))
        #expect(parameters["c"] == nil)
        parameters["a"] = .boolean(true)
        parameters["c"] = .double(0.5)
        #expect(parameters.map(\.name) == ["a", "b", "a", "c"])
        parameters["a"] = nil
        #expect(parameters.map(\.name) == ["b", "c"])
        parameters.append("b", .longLong(-1))
        #expect(parameters.count == 3)
        #expect(parameters["b"] == .string("x"))
        #expect(parameters[parameters.startIndex].name == "b")
        #expect(parameters[parameters.endIndex - 1].value == .longLong(-1))
    }

    @Test("whole numbers of any type, where they fit")
    func integers() {
        #expect(TypedParameterValue.int(-1).integer == -1)
        #expect(TypedParameterValue.unsignedInt(.max).integer == 4_294_967_295)
        #expect(TypedParameterValue.longLong(.min).integer == .min)
        #expect(TypedParameterValue.unsignedLongLong(.max).integer == nil)
        #expect(TypedParameterValue.string("1").integer == nil)
    }

    @Test("a name for which libvirt has no room is refused here, in one sentence")
    func longNames() async throws {
        try await withFake { daemon in
            daemon.serve(Remote.NODE_SET_MEMORY_PARAMETERS) { _ in XDRVoid() }
            let connection = try await Connection.open(daemon.uri)
            let longest = String(repeating: "n", count: 77) + "ü"
            try await connection.nodeSetMemoryParameters(params: [longest: .int(1)])
            let error = await #expect(throws: LibvirtError.self) {
                try await connection.nodeSetMemoryParameters(params: ["n" + longest: .int(1)])
            }
            #expect(error?.code == .invalidArg)
            #expect(
                error?.description.hasSuffix(
                    "was not sent: its name has 80 bytes, and libvirt takes at most 79") == true)
            #expect(daemon.calls.count { $0 == Remote.NODE_SET_MEMORY_PARAMETERS.name } == 1)
            await connection.close()
        }
    }

    @Test("a text is one only where it is")
    func texts() {
        #expect(TypedParameterValue.string("vda").text == "vda")
        #expect(TypedParameterValue.bytes([0xFF]).text == nil)
        #expect(TypedParameterValue.int(1).text == nil)
    }
}
