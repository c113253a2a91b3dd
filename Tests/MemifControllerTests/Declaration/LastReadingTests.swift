import Testing

@testable import MemifController

@Suite("What a domain's XML was last read as")
struct LastReadingTests {
    private let rule = PolicyRule(name: "any")

    @Test("an XML that is as before is what it was, and another is read")
    func changes() {
        var last = LastReading()
        let (one, other) = (
            Sample.xml("<memif:port name='lan0'/>"), Sample.xml("<memif:port name='lan1'/>")
        )
        for (xml, name) in [(one, "lan0"), (one, "lan0"), (other, "lan1"), (one, "lan0")] {
            #expect(last.ports(of: xml, under: rule).ports == [PortDeclaration(name: name)])
        }
    }

    @Test("under another rule it is read anew: what was allowed may be refused")
    func rules() {
        var last = LastReading()
        let xml = Sample.xml("<memif:port name='lan0'/>")
        #expect(last.ports(of: xml, under: rule).findings.isEmpty)
        var strict = rule
        strict.requiresSecret = true
        #expect(last.ports(of: xml, under: strict).findings.map(\.isBreach) == [true])
        #expect(last.ports(of: xml, under: rule).findings.isEmpty)
    }
}
