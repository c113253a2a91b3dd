/// One place where bytes of a stranger's are read, and what must hold whatever they are.
///
/// The same functions run in the fuzzer, which makes bytes up, and in the tests, which replay what the
/// fuzzer once found. To add one: a function in a file of its own here, a line in `all`, and a folder
/// of the same name in `Corpus`.
struct FuzzTarget: Sendable {
    /// What it is called on the command line, and its folder in the corpus.
    let name: String
    /// The most memory in use at a time, in bytes: that of any input, however short, and that for each of
    /// its bytes.
    let fixedMemory: Int
    let memoryPerByte: Int
    /// Reads an input; throws what is wrong with the reader.
    let run: @Sendable ([UInt8]) throws(Finding) -> Void

    init(
        _ name: String, fixedMemory: Int = 1 << 20, memoryPerByte: Int = 64,
        _ run: @escaping @Sendable ([UInt8]) throws(Finding) -> Void
    ) {
        self.name = name
        self.fixedMemory = fixedMemory
        self.memoryPerByte = memoryPerByte
        self.run = run
    }

    /// The most memory that an input of so many bytes may cost.
    func mostMemory(inputByteCount: Int) -> Int { fixedMemory + inputByteCount * memoryPerByte }

    /// Every target.
    static let all: [FuzzTarget] = [
        // Room for the longest frame is set aside when it is announced, and filled as it comes.
        FuzzTarget("frame", fixedMemory: 40 << 20, FrameTarget.run),
        FuzzTarget("header", HeaderTarget.run),
        FuzzTarget("message", MessageTarget.run),
        FuzzTarget("uri", memoryPerByte: 256, URITarget.run),
        FuzzTarget("sasl", SASLTarget.run),
        FuzzTarget("memif-message", ControlMessageTarget.run),
        FuzzTarget("memif-master", memoryPerByte: 512, MasterHandshakeTarget.run),
        FuzzTarget("memif-slave", memoryPerByte: 512, SlaveHandshakeTarget.run),
        FuzzTarget("memif-ring", RingTarget.run),
        FuzzTarget("memif-views", ViewsTarget.run),
    ]
}

/// What an input has shown to be wrong.
struct Finding: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Checks what must hold for every input.
func require(
    _ condition: Bool, _ otherwise: @autoclosure () -> String
) throws(Finding) {
    guard condition else { throw Finding(otherwise()) }
}

/// Takes an input apart from left to right; past its end everything is zero.
struct InputReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Whether nothing is left.
    var isAtEnd: Bool { position >= bytes.count }

    mutating func take<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) -> Value {
        var value: Value = 0
        for shift in stride(from: 0, to: Value.bitWidth, by: 8) {
            guard position < bytes.count else { break }
            value |= Value(truncatingIfNeeded: bytes[position]) << Value(shift)
            position += 1
        }
        return value
    }

    /// A number below `bound`.
    mutating func take(below bound: Int) -> Int { Int(take(UInt16.self)) % bound }

    mutating func takeBytes(_ count: Int) -> [UInt8] {
        let end = min(bytes.count, position + count)
        defer { position = end }
        return Array(bytes[position..<end])
    }

    mutating func takeRest() -> [UInt8] { takeBytes(bytes.count) }
}
