import Testing

@testable import MemifController

@Suite("UUIDs of domains")
struct IdentifierTests {
    @Test("both cases are read, lower case is written")
    func text() {
        let vm = VMIdentifier("0123ABCD-4567-89ef-0000-00112233FFff")
        #expect(vm?.description == "0123abcd-4567-89ef-0000-00112233ffff")
        #expect(vm?.bytes.first == 0x01)
        #expect(vm?.bytes.last == 0xff)
    }

    @Test(
        "anything else is no UUID",
        arguments: [
            "", "0123abcd", "0123abcd-4567-89ef-0000-00112233fff",
            "0123abcd-4567-89ef-0000-00112233fffg",
            "0123abcd04567-89ef-0000-00112233ffff", "../3abcd-4567-89ef-0000-00112233ffff",
        ])
    func rubbish(text: String) {
        #expect(VMIdentifier(text) == nil)
    }

    @Test("the order is that of the text")
    func order() {
        #expect(Sample.vm(1) < Sample.vm(2))
        #expect(VMIdentifier(bytes: [1, 2]) == nil)
    }
}
