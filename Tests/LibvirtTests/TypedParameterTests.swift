import Libvirt
import Testing

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

    @Test("a text is one only where it is")
    func texts() {
        #expect(TypedParameterValue.string("vda").text == "vda")
        #expect(TypedParameterValue.bytes([0xFF]).text == nil)
        #expect(TypedParameterValue.int(1).text == nil)
    }
}
