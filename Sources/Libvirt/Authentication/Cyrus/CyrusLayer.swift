#if CyrusSASL
    internal import LibvirtRPC
    internal import Synchronization

    /// The protection that an exchange of Cyrus SASL has agreed on.
    ///
    /// The library keeps one state for both directions, so both take one lock.
    final class CyrusLayer: SecurityLayer {
        private let session: Mutex<CyrusSession>

        init(_ session: consuming sending CyrusSession) { self.session = Mutex(session) }

        func wrap(_ bytes: [UInt8]) throws(SecurityLayerError) -> [UInt8] {
            try session.withLock { (session) throws(SecurityLayerError) in
                let longest = session.longestPiece
                return try Self.inPieces(bytes, of: longest, "wrap") { session.encode($0) }
            }
        }

        func unwrap(_ bytes: [UInt8]) throws(SecurityLayerError) -> [UInt8] {
            try session.withLock { (session) throws(SecurityLayerError) in
                let longest = session.longestPiece
                return try Self.inPieces(bytes, of: longest, "unwrap") { session.decode($0) }
            }
        }

        private static func inPieces(
            _ bytes: [UInt8], of longest: Int, _ what: String,
            _ body: (ArraySlice<UInt8>) -> [UInt8]?
        ) throws(SecurityLayerError) -> [UInt8] {
            var result: [UInt8] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                guard let piece = body(rest.prefix(longest)) else {
                    throw SecurityLayerError("Cyrus SASL cannot \(what) what is there")
                }
                result += piece
                rest = rest.dropFirst(longest)
            }
            return result
        }
    }
#endif
