@testable import Memif

/// The 128 bytes of a message of memif's control channel.
enum ControlMessageTarget {
    static func run(_ input: [UInt8]) throws(Finding) {
        guard let message = message(input) else { return }
        _ = message.name
        // Texts are repaired and cut when they are read: from then on nothing changes any more.
        let written = bytes(message.encoded())
        guard let again = self.message(written) else {
            throw Finding("\(message.name) cannot be read again")
        }
        try require(again.name == message.name, "\(message.name) became \(again.name)")
        try require(bytes(again.encoded()) == written, "\(message.name) is not the same again")
    }

    /// The message in the first 128 bytes, short ones filled up with zeros.
    static func message(_ input: [UInt8]) -> ControlMessage? {
        var bytes = ControlMessage.Bytes(repeating: 0)
        for (index, byte) in input.prefix(MemifProtocol.messageByteCount).enumerated() {
            bytes[index] = byte
        }
        return try? ControlMessage(decoding: bytes)
    }

    private static func bytes(_ message: ControlMessage.Bytes) -> [UInt8] {
        message.indices.map { message[$0] }
    }
}
