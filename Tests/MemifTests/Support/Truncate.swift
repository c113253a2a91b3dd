import Glibc
import LinuxIO

extension OwnedDescriptor {
    /// Cuts the file, as a hostile peer tries to.
    func truncate(to byteCount: Int) throws(SystemError) {
        let number = rawValue
        try systemCall("cut a file") { ftruncate(number, byteCount) }
    }
}
