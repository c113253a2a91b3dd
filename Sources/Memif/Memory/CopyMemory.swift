// SAFETY of the whole file: the callers have checked that both ranges hold `count` bytes, and the
// ranges never overlap: one lies in a batch of ours, the other in a shared region.

/// Copies bytes; the small sizes that fill a packet processor's day without a call.
///
/// Never reads or writes beyond the range: what lies behind a frame may belong to another link.
@inline(__always)
func copyFrame(
    from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, count: Int
) {
    if count > 256 {
        unsafe target.copyMemory(from: source, byteCount: count)
    } else if count > 128 {
        unsafe copyOverlapping(SIMD64<UInt8>.self, from: source, to: target, count: count)
    } else if count > 64 {
        unsafe copyEnds(SIMD64<UInt8>.self, from: source, to: target, count: count)
    } else if count > 32 {
        unsafe copyEnds(SIMD32<UInt8>.self, from: source, to: target, count: count)
    } else if count > 16 {
        unsafe copyEnds(SIMD16<UInt8>.self, from: source, to: target, count: count)
    } else if count >= 8 {
        unsafe copyEnds(UInt64.self, from: source, to: target, count: count)
    } else if count > 0 {
        unsafe copyBytes(from: source, to: target, count: count)
    }
}

/// From one to two units: the first and the last, which may overlap.
@inline(__always)
private func copyEnds<Unit: BitwiseCopyable>(
    _: Unit.Type, from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, count: Int
) {
    let last = count - MemoryLayout<Unit>.size
    let head = unsafe source.loadUnaligned(as: Unit.self)
    let tail = unsafe source.loadUnaligned(fromByteOffset: last, as: Unit.self)
    unsafe target.storeBytes(of: head, as: Unit.self)
    unsafe target.storeBytes(of: tail, toByteOffset: last, as: Unit.self)
}

/// Units one after the other; the last may overlap the one before it.
@inline(__always)
private func copyOverlapping<Unit: BitwiseCopyable>(
    _: Unit.Type, from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, count: Int
) {
    let last = count - MemoryLayout<Unit>.size
    var offset = 0
    while offset < last {
        let unit = unsafe source.loadUnaligned(fromByteOffset: offset, as: Unit.self)
        unsafe target.storeBytes(of: unit, toByteOffset: offset, as: Unit.self)
        offset += MemoryLayout<Unit>.size
    }
    let tail = unsafe source.loadUnaligned(fromByteOffset: last, as: Unit.self)
    unsafe target.storeBytes(of: tail, toByteOffset: last, as: Unit.self)
}

/// Fewer than eight bytes: no Ethernet frame is that short.
private func copyBytes(
    from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, count: Int
) {
    for offset in 0..<count {
        unsafe target.storeBytes(
            of: source.load(fromByteOffset: offset, as: UInt8.self), toByteOffset: offset,
            as: UInt8.self)
    }
}
