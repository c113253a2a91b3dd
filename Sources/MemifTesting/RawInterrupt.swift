internal import Glibc
public import LinuxIO

/// A ring's eventfd, to be raised and spoiled.
public final class RawInterrupt: Sendable {
    /// The eventfd.
    public let counter: EventCounter

    /// Takes it over.
    public init(_ counter: consuming EventCounter) { self.counter = counter }

    /// Raises it as far as it goes: another write would have to wait.
    public func fill() {
        counter.drain()
        var most = UInt64.max - 1
        // SAFETY: eight bytes from this frame, as eventfd wants.
        _ = unsafe write(counter.descriptor.rawValue, &most, 8)
    }
}
