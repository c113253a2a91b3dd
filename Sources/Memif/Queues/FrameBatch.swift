// SAFETY of the whole file: `bytes` has `byteCapacity` bytes and `entries` `frameCapacity` elements, from
// init to deinit; an entry is only written for a range within the bytes, below `count`.

/// Frames, one after the other, in memory of the owner's own: what bursts fill and send.
///
/// Make one and use it again and again: no burst allocates. A frame here is a copy that no peer can
/// change any more.
@safe
public struct FrameBatch: ~Copyable, @unchecked Sendable {
    // @unchecked: the memory has this one owner.

    fileprivate struct Entry {
        var offset: UInt32
        var byteCount: UInt32
    }

    /// How many frames it can hold.
    public let frameCapacity: Int
    /// How many bytes it can hold; each frame takes its length, rounded up to 64.
    public let byteCapacity: Int
    /// How many frames it holds.
    public private(set) var count = 0

    private let bytes: UnsafeMutableRawPointer
    private let entries: UnsafeMutablePointer<Entry>
    /// Where the next frame begins.
    private var used = 0
    /// Bytes of the frame under construction.
    private var openByteCount = 0

    /// An empty batch.
    ///
    /// - Parameters:
    ///   - frameCapacity: the most frames; at least 1.
    ///   - byteCapacity: the most bytes, at most 2^31; nil gives 2,048 for each frame and no less
    ///     than the longest frame that links carry by default.
    public init(frameCapacity: Int = 256, byteCapacity: Int? = nil) {
        precondition(frameCapacity >= 1, "a batch needs room for a frame")
        let wanted = byteCapacity ?? max(frameCapacity * 2048, 65_536)
        precondition((1...Int(Int32.max)).contains(wanted), "a batch has 1 to 2^31 bytes")
        self.frameCapacity = frameCapacity
        self.byteCapacity = (wanted + 63) / 64 * 64
        unsafe bytes = .allocate(byteCount: self.byteCapacity, alignment: 64)
        unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0, count: self.byteCapacity)
        unsafe entries = .allocate(capacity: frameCapacity)
    }

    deinit {
        unsafe bytes.deallocate()
        unsafe entries.deallocate()
    }

    /// Whether it holds none.
    public var isEmpty: Bool { count == 0 }

    /// Forgets all frames.
    public mutating func removeAll() {
        count = 0
        used = 0
        openByteCount = 0
    }

    /// The length of a frame in bytes.
    public func byteCount(of index: Int) -> Int {
        precondition(index >= 0 && index < count, "no such frame in the batch")
        return unsafe Int(entries[index].byteCount)
    }

    /// A frame's bytes.
    public subscript(index: Int) -> RawSpan {
        @_lifetime(borrow self)
        borrowing get {
            precondition(index >= 0 && index < count, "no such frame in the batch")
            let entry = unsafe entries[index]
            let span = unsafe RawSpan(
                _unsafeStart: bytes + Int(entry.offset), byteCount: Int(entry.byteCount))
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// Adds a copy of a frame.
    ///
    /// - Returns: false when there is no room for it.
    @discardableResult
    public mutating func append(_ frame: RawSpan) -> Bool {
        guard hasFreeEntry, extend(with: frame) else { return false }
        closeFrame()
        return true
    }

    /// Adds a copy of a frame.
    ///
    /// - Returns: false when there is no room for it.
    @discardableResult
    public mutating func append(_ frame: [UInt8]) -> Bool {
        unsafe append(frame.span.bytes)
    }

    /// A copy of a frame's first bytes, for those who want an array: all of them by default.
    public func bytes(of index: Int, count: Int = .max) -> [UInt8] {
        let frame = self[index]
        return unsafe frame.withUnsafeBytes { unsafe Array($0.prefix(count)) }
    }

    /// Lets a closure write to a frame.
    public mutating func withMutableFrame<Result>(
        at index: Int, _ body: (inout MutableRawSpan) -> Result
    ) -> Result {
        precondition(index >= 0 && index < count, "no such frame in the batch")
        let entry = unsafe entries[index]
        var span = unsafe MutableRawSpan(
            _unsafeStart: bytes + Int(entry.offset), byteCount: Int(entry.byteCount))
        return body(&span)
    }

    /// Passes each frame to a closure that may rewrite it, and keeps those for which the closure
    /// returns a length (at most the frame's own). So a batch of requests becomes one of replies.
    public mutating func compactMapFrames(_ body: (inout MutableRawSpan) -> Int?) {
        var kept = 0
        for index in 0..<count {
            var entry = unsafe entries[index]
            guard let length = withMutableFrame(at: index, body) else { continue }
            entry.byteCount = min(entry.byteCount, UInt32(clamping: length))
            unsafe entries[kept] = entry
            kept += 1
        }
        count = kept
    }

    // MARK: Building a frame piece by piece

    /// Whether another frame can be opened.
    @inline(__always)
    var hasFreeEntry: Bool { count < frameCapacity }

    /// Bytes in the frame under construction.
    @inline(__always)
    var openFrameByteCount: Int { openByteCount }

    /// Makes room at the end of the frame under construction.
    @unsafe @inline(__always)
    mutating func extendOpenFrame(by byteCount: Int) -> UnsafeMutableRawPointer? {
        let start = used &+ openByteCount
        guard byteCount >= 0, byteCount <= byteCapacity &- start else { return nil }
        openByteCount &+= byteCount
        return unsafe bytes + start
    }

    /// Adds a copy of bytes to the frame under construction; false when there is no room for them.
    mutating func extend(with bytes: RawSpan) -> Bool {
        guard let target = unsafe extendOpenFrame(by: bytes.byteCount) else { return false }
        unsafe bytes.withUnsafeBytes { source in
            guard let base = source.baseAddress else { return }
            unsafe copyFrame(from: base, to: target, count: source.count)
        }
        return true
    }

    /// Adds the frame under construction; the caller has seen that an entry is free.
    @inline(__always)
    mutating func closeFrame() {
        unsafe entries[count] = Entry(
            offset: UInt32(truncatingIfNeeded: used),
            byteCount: UInt32(truncatingIfNeeded: openByteCount))
        count &+= 1
        // The capacity is a multiple of 64, so this stays within it.
        used = (used &+ openByteCount &+ 63) & ~63
        openByteCount = 0
    }

    /// Forgets the frame under construction.
    @inline(__always)
    mutating func abandonFrame() { openByteCount = 0 }

    /// The address of a part of a frame, or nil beyond it.
    @unsafe @inline(__always)
    borrowing func address(frame index: Int, from start: Int, count: Int) -> UnsafeRawPointer? {
        guard index >= 0, index < self.count else { return nil }
        let entry = unsafe entries[index]
        guard start >= 0, count >= 0, start &+ count <= Int(entry.byteCount) else { return nil }
        return unsafe UnsafeRawPointer(bytes + (Int(entry.offset) &+ start))
    }

    // MARK: Many frames at a time

    /// What adding frames changes and needs: to be had in registers while many are added.
    @unsafe
    struct Filling {
        fileprivate let bytes: UnsafeMutableRawPointer
        fileprivate let entries: UnsafeMutablePointer<Entry>
        fileprivate let byteCapacity: Int
        fileprivate let frameCapacity: Int
        fileprivate var count: Int
        fileprivate var used: Int
        /// The bytes of the frames that were added.
        private(set) var byteCount = 0

        fileprivate init(_ batch: borrowing FrameBatch) {
            unsafe bytes = batch.bytes
            unsafe entries = batch.entries
            unsafe byteCapacity = batch.byteCapacity
            unsafe frameCapacity = batch.frameCapacity
            unsafe count = batch.count
            unsafe used = batch.used
        }

        /// How many more frames there are entries for.
        @inline(__always)
        var freeCount: Int { unsafe frameCapacity &- count }

        /// Adds a copy of a frame where an entry is free; false when there is no room for its bytes.
        @inline(__always)
        mutating func append(_ frame: UnsafeRawPointer, count length: Int) -> Bool {
            guard unsafe length <= byteCapacity &- used else { return false }
            unsafe copyFrame(from: frame, to: bytes + used, count: length)
            unsafe entries[count] = Entry(
                offset: UInt32(truncatingIfNeeded: used),
                byteCount: UInt32(truncatingIfNeeded: length))
            unsafe count &+= 1
            // The capacity is a multiple of 64, so this stays within it.
            unsafe used = (used &+ length &+ 63) & ~63
            unsafe byteCount &+= length
            return true
        }
    }

    /// To add frames to it: until `take`, nothing else is done with the batch.
    @unsafe @inline(__always)
    var filling: Filling { unsafe Filling(self) }

    /// Has the frames that were added to it.
    @unsafe @inline(__always)
    mutating func take(_ filling: Filling) {
        unsafe count = filling.count
        unsafe used = filling.used
    }

    /// The frames from one on, for a loop over them that asks for none beyond their count.
    @unsafe
    struct Frames {
        fileprivate let bytes: UnsafeMutableRawPointer
        fileprivate let entries: UnsafeMutablePointer<Entry>
        let count: Int

        @inline(__always)
        subscript(index: Int) -> (start: UnsafeRawPointer, count: Int) {
            let entry = unsafe entries[index]
            return unsafe (UnsafeRawPointer(bytes + Int(entry.offset)), Int(entry.byteCount))
        }
    }

    /// The frames from `first` on.
    @unsafe @inline(__always)
    borrowing func frames(from first: Int) -> Frames {
        precondition(first >= 0 && first <= count, "no such frame in the batch")
        return unsafe Frames(bytes: bytes, entries: entries + first, count: count &- first)
    }
}
