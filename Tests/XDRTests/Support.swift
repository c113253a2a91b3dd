import XDR

/// What `body` writes into `count` bytes of memory, or the error that it throws.
func written(
    into count: Int, _ body: (inout XDREncoder) throws(XDRError) -> Void
) -> Result<[UInt8], XDRError> {
    var bytes = [UInt8](repeating: 0xEE, count: count)
    var offset = 0
    do throws(XDRError) {
        var span = bytes.mutableSpan
        // SAFETY: every byte pattern is a value of `UInt8`, which has no padding.
        var encoder = XDREncoder(unsafe span.mutableBytes)
        try body(&encoder)
        offset = encoder.byteOffset
    } catch {
        return .failure(error)
    }
    return .success([UInt8](bytes[..<offset]))
}

/// What `body` writes, in memory of the size that it needs.
func encoded(
    _ body: (inout XDREncoder) throws(XDRError) -> Void
) throws(XDRError) -> [UInt8] {
    var measure = XDREncoder.measuring()
    try body(&measure)
    return try written(into: measure.byteOffset, body).get()
}

/// What `body` reads from the bytes, all of which it must read.
func decoded<T>(
    _ bytes: [UInt8], strict: Bool = false,
    _ body: (inout XDRDecoder) throws(XDRError) -> T
) throws(XDRError) -> T {
    // SAFETY: every byte pattern is a value of `UInt8`, which has no padding.
    var decoder = XDRDecoder(unsafe bytes.span.bytes, requiringZeroPadding: strict)
    let value = try body(&decoder)
    try decoder.finish()
    return value
}

/// The error that `body` throws on the bytes, or nil.
func failure<T>(
    _ bytes: [UInt8], strict: Bool = false,
    _ body: (inout XDRDecoder) throws(XDRError) -> T
) -> XDRError? {
    do throws(XDRError) {
        _ = try decoded(bytes, strict: strict, body)
        return nil
    } catch {
        return error
    }
}

/// Bytes written in hexadecimal, blanks between as one likes.
func hex(_ text: some StringProtocol) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue).map(UInt8.init)
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}
