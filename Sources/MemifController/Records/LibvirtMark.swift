internal import Glibc
internal import LibvirtRPC
internal import LinuxIO

/// Which libvirt the records are of, in a file beside them. Another one lacks their domains, and that would
/// have all of their ports removed: as after a restart with `qemu:///session` by mistake.
struct LibvirtMark {
    private let path: String

    init(_ layout: RuntimeLayout) { path = layout.libvirtMark }

    /// The URI that was asked before; nil where none is known.
    ///
    /// - Throws: `SystemError` where it cannot be read.
    var uri: String? {
        get throws(SystemError) {
            let bytes: [UInt8]
            do {
                bytes = try File.read(path, limit: 64 * 1024)
            } catch {
                if error.code == ENOENT { return nil }
                throw error
            }
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map(
                String.init)
        }
    }

    /// Why a libvirt is not to be asked; nil where it may be.
    ///
    /// - Parameter hasRecords: whether there is anything that another one might lack.
    func objection(to uri: String, hasRecords: Bool) -> PortError? {
        guard hasRecords else { return nil }
        let known: String?
        do throws(SystemError) {
            known = try self.uri
        } catch {
            return PortError(
                reason:
                    "which libvirt the records are of cannot be read: \(error); that which the settings "
                    + "name is not asked, because ports of domains that it lacks would be removed",
                remedy:
                    "have \(path) be readable for the daemon, or remove it where the libvirt is the same, "
                    + "and start virtwired again")
        }
        guard let former = known, former != uri else { return nil }
        return PortError(
            reason: "what stands here was made for the domains of "
                + "\(former.printable(longest: 256)), and the settings name "
                + "\(uri.printable(longest: 256)): that is not asked, because ports of domains that "
                + "it lacks would be removed",
            remedy: "name the former with --connect; where the change is meant, remove \(path) and "
                + "start virtwired again")
    }

    /// Notes that a libvirt is asked from now on.
    func note(_ uri: String) throws(PortError) {
        if (try? self.uri) == uri { return }
        do throws(SystemError) {
            try File.replace(path, with: Array("\(uri)\n".utf8))
        } catch {
            throw PortError(
                reason: "which libvirt the records are of cannot be noted: \(error)",
                remedy: "make the state directory writable for the daemon")
        }
    }
}
