import Glibc
import LinuxIO

extension EventCounter {
    /// Raises it as far as it goes: another write would have to wait.
    func fill() {
        drain()
        var most = UInt64.max - 1
        // SAFETY: eight bytes from this frame, as eventfd wants.
        _ = unsafe write(descriptor.rawValue, &most, 8)
    }
}
