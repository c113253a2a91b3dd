import Testing

@Suite("Safety")
struct SafetyTests {
    /// The files of the product that may hold unsafe code; `LinuxIO`, whose business it is, aside.
    static let unsafeFiles: Set<String> = [
        "Sources/XDR/XDRMemory.swift",
        "Sources/Libvirt/Authentication/Cyrus/CyrusSession.swift",
        "Sources/LibvirtRPC/Memory.swift",
        "Sources/LibvirtRPC/OneShot.swift",
        "Sources/Memif/Control/ControlSocket.swift",
        "Sources/Memif/Memory/BufferSpace.swift",
        "Sources/Memif/Memory/CopyMemory.swift",
        "Sources/Memif/Memory/FramePieces.swift",
        "Sources/Memif/Memory/LinkMemory.swift",
        "Sources/Memif/Memory/Lookahead.swift",
        "Sources/Memif/Memory/Region.swift",
        "Sources/Memif/Memory/RingMemory.swift",
        "Sources/Memif/Memory/RingSlots.swift",
        "Sources/Memif/Queues/FrameBatch.swift",
        "Sources/Memif/Queues/PlainFrames.swift",
        "Sources/Memif/Responder/FrameBytes.swift",
        "Sources/Memif/Worker/PolledPort.swift",
        "Sources/MemifTesting/Attacks/HostileFile.swift",
        "Sources/MemifTesting/Attacks/LingeringSocket.swift",
        "Sources/MemifTesting/RawInterrupt.swift",
        "Sources/MemifTesting/RawMemory.swift",
        "Sources/MemifTesting/RawPeer.swift",
    ]

    @Test("unsafe code stands in few named files")
    func unsafeCode() {
        let files = Repository.handWritten.filter {
            $0.path.hasPrefix("Sources/") && !$0.path.hasPrefix("Sources/LinuxIO/")
                && !$0.places(of: #/\bunsafe\b/#).isEmpty
        }
        #expect(Set(files.map(\.path)).subtracting(Self.unsafeFiles) == [])
    }

    @Test("a file with unsafe code says why it is safe")
    func reasons() {
        let silent = Repository.handWritten.filter { file in
            file.path.hasPrefix("Sources/") && !file.places(of: #/\bunsafe\b/#).isEmpty
                && !file.lines.contains { $0.contains("SAFETY") }
        }
        #expect(silent.map(\.path) == [])
    }

    @Test("no error is forced aside and nothing is left open")
    func forced() {
        // Spelled in pieces, so that this file does not find itself.
        let forced = #/\btry[!]|\bas[!] |fatalError[(]/#
        let places = Repository.handWritten.flatMap { $0.places(of: forced) }
        #expect(places == [])
        let marker = ["TO" + "DO", "FIX" + "ME", "XX" + "X:"]
        let open = Repository.files.filter { file in
            file.lines.contains { line in marker.contains { line.contains($0) } }
        }
        #expect(open.map(\.path) == [])
    }

    @Test("no test is switched off, and none sleeps where it could wait")
    func tests() {
        let off = #/[.]disabled[(]|withKnownIssue|Test[.]cancel|\bu?sleep[(]/#
        let places = Repository.handWritten
            .filter { $0.path.hasPrefix("Tests/") && !$0.path.hasPrefix("Tests/HouseRules") }
            .flatMap { $0.places(of: off) }
        #expect(places == [])
    }
}
