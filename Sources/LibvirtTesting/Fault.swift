/// What a fake daemon does wrong instead of answering a call.
public struct Fault: Sendable {
    enum Kind {
        case hold
        case delay(Duration)
        case close
        case bytes([UInt8])
        case truncated(Int)
    }

    let kind: Kind

    /// Answers only when the test lets it: see `FakeLibvirtd.releaseHeldCalls`.
    public static let hold = Fault(kind: .hold)

    /// Answers after a while, behind what is asked later and answered sooner.
    public static func delay(_ duration: Duration) -> Fault { Fault(kind: .delay(duration)) }

    /// Ends the connection without an answer.
    public static let close = Fault(kind: .close)

    /// Sends these bytes in place of the answer, and leaves the connection open.
    public static func bytes(_ bytes: [UInt8]) -> Fault { Fault(kind: .bytes(bytes)) }

    /// Sends the first bytes of the right answer and ends the connection.
    public static func truncated(afterBytes count: Int) -> Fault { Fault(kind: .truncated(count)) }

    /// Answers as a web server does that cannot make sense of a request.
    public static let http = bytes(
        Array("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".utf8))

    /// Begins a frame one byte longer than the longest that is allowed.
    public static let overlongFrame = bytes([0x02, 0x00, 0x00, 0x05])

    /// Sends bytes that no protocol means, the same for the same seed.
    public static func garbage(_ count: Int, seed: UInt64) -> Fault {
        var state = seed
        return bytes(
            (0..<count).map { _ in
                // Knuth's MMIX generator: all that counts is that it can be repeated.
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: state >> 56)
            })
    }
}
