import Foundation
import Memif

@testable import MemifController

/// Things that tests need and that do not matter by themselves.
enum Sample {
    static func vm(_ number: UInt8) -> VMIdentifier {
        let text = "00000000-0000-4000-8000-0000000000" + (number < 16 ? "0" : "")
        guard let vm = VMIdentifier(text + String(number, radix: 16)) else {
            preconditionFailure("a sample UUID that is none: \(number)")
        }
        return vm
    }

    /// A domain's XML as libvirt prints it, with ports in its metadata.
    static func xml(_ ports: String, name: String = "vm", vm: VMIdentifier = vm(1)) -> String {
        """
        <domain type='test' id='1'>
          <name>\(name)</name>
          <uuid>\(vm)</uuid>
          <metadata>
            <other:thing xmlns:other="https://example.org/other"><port name="not-ours"/></other:thing>
            <memif:ports xmlns:memif="\(DomainDocument.namespace)">
              \(ports)
            </memif:ports>
          </metadata>
          <memory unit='KiB'>8192</memory>
          <os><type arch='x86_64'>hvm</type></os>
          <devices><memif:port xmlns:memif="\(DomainDocument.namespace)" name="elsewhere"/></devices>
        </domain>
        """
    }

    /// A link of one ring, in one region.
    static let link = LinkRecord(
        terms: LinkTerms(
            id: 0, mode: .ethernet, peerName: "peer", peerInterfaceName: "memif0/0",
            layout: .lines64,
            rings: [.init(direction: .slaveToMaster, index: 0, region: 0, offset: 0, log2Size: 10)]),
        regionByteCounts: [1 << 20])

    static func port(
        _ name: String, _ change: (inout PortDeclaration) -> Void = { _ in }
    ) -> PortDeclaration {
        var port = PortDeclaration(name: name)
        change(&port)
        return port
    }
}

/// SplitMix64: small, and the same everywhere.
struct SeededGenerator: RandomNumberGenerator {
    let seed: UInt64
    private var state: UInt64

    init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    /// Prints the seed with the name of the test; `VIRTWIRE_TEST_SEED` gives it back.
    init(_ test: String) {
        let given = ProcessInfo.processInfo.environment["VIRTWIRE_TEST_SEED"].flatMap(UInt64.init)
        self.init(seed: given ?? UInt64.random(in: 0...UInt64.max))
        print("\(test): VIRTWIRE_TEST_SEED=\(seed)")
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
