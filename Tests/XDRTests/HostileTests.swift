import Glibc
import Testing
import XDR

@Suite("Hostile counts")
struct HostileTests {
    /// No bytes at all, which hand-written types may have.
    struct Empty: XDRDecodable, Equatable {
        static let minimumByteCount = 0

        init(from decoder: inout XDRDecoder) throws(XDRError) {}
    }

    @Test("elements of no bytes cannot make the decoder loop for long")
    func emptyElements() throws {
        let most = failure(hex("ffffffff")) { d throws(XDRError) in
            try d.decodeArray(of: Empty.self, limit: .max)
        }
        #expect(most?.code == .overLimit)
        #expect(most?.bound == XDRDecoder.emptyElementLimit)
        let few = try decoded(hex("00010000")) { d throws(XDRError) in
            try d.decodeArray(of: Empty.self, limit: .max)
        }
        #expect(few.count == XDRDecoder.emptyElementLimit)
    }

    @Test("a count times a size may be larger than any number")
    func overflow() {
        let error = failure(hex("00000000")) { d throws(XDRError) in
            try d.decodeFixedArray(of: Int64.self, count: .max)
        }
        #expect(error?.code == .truncated)
    }

    /// With little memory left, an allocation of four billion elements ends the process.
    @Test("four billion elements are refused without memory for them")
    func memory() async {
        await #expect(processExitsWith: .success) {
            var limit = rlimit(rlim_cur: 1 << 30, rlim_max: 1 << 30)
            // SAFETY: the call reads the structure, which outlives it.
            guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0 else {
                exit(2)
            }
            let counts = ["ffffffff", "7fffffff", "3fffffff", "20000000"]
            for bytes in counts.map({ hex($0 + " 00000000 00000000") }) {
                let errors = [
                    failure(bytes) { d throws(XDRError) in try d.decodeOpaque(limit: .max) },
                    failure(bytes) { d throws(XDRError) in try d.decodeString(limit: .max) },
                    failure(bytes) { d throws(XDRError) in try d.decodeChars(limit: .max) },
                    failure(bytes) { d throws(XDRError) in
                        try d.decodeArray(of: Int64.self, limit: .max)
                    },
                    failure(bytes) { d throws(XDRError) in
                        try d.decodeArray(of: XDRFixedOpaque<64>.self, limit: .max)
                    },
                    failure(bytes) { d throws(XDRError) in
                        try d.decodeStringArray(limit: .max, elementLimit: .max)
                    },
                ]
                for error in errors where error?.code != .truncated { exit(3) }
            }
            exit(0)
        }
    }
}
