/// What an authentication has agreed on to protect a connection: it stands between a carrier's bytes
/// and the frames.
///
/// Source: RFC 4422 section 3.7. libvirt switches it on behind the last reply of the exchange.
public protocol SecurityLayer: AnyObject, Sendable {
    /// Protects bytes on their way out.
    ///
    /// - Returns: what to write, length words of the layer's own included.
    func wrap(_ bytes: [UInt8]) throws(SecurityLayerError) -> [UInt8]

    /// Takes protected bytes as they come, in pieces of any size.
    ///
    /// - Returns: the plain bytes that are whole so far, perhaps none.
    func unwrap(_ bytes: [UInt8]) throws(SecurityLayerError) -> [UInt8]
}

/// Bytes that cannot be protected, or that are not what the peer has protected.
public struct SecurityLayerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public let description: String

    /// Sets what is wrong.
    public init(_ problem: String) { description = problem }
}

extension Carrier {
    /// Refuses: only a connection over TCP takes a layer; a UNIX socket is private as it is, and so is ssh.
    public func secure(with layer: any SecurityLayer) async throws(SecurityLayerError) {
        throw SecurityLayerError("only a connection over TCP takes a security layer")
    }
}
