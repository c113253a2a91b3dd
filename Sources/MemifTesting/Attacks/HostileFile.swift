internal import Glibc
internal import LinuxIO

/// Descriptors that no honest peer would pass.
enum HostileFile {
    static func open(_ path: String, _ flags: Int32) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(
            // SAFETY: the path is a C string that lives for the call.
            adopting: try systemCall("open", path) { unsafe Glibc.open(path, flags | O_CLOEXEC) })
    }
}
