internal import Foundation
internal import FoundationXML
internal import LinuxIO

/// The user and group as which libvirt runs QEMU: who has to reach the sockets of vhostuser interfaces.
struct QEMUAccount: Hashable {
    let user: UInt32
    let group: UInt32

    /// Reads libvirt's capabilities; nil where they do not tell.
    ///
    /// Source: virConnectGetCapabilities, `host/secmodel[model='dac']/baselabel`: `+64055:+994`, for each
    /// kind of domain the same.
    init?(capabilities xml: String) {
        let parser = XMLParser(data: Data(xml.utf8))
        let collector = Collector()
        parser.delegate = collector
        guard parser.parse(), let label = collector.label else { return nil }
        let numbers = label.split(separator: ":").map { part in
            UInt32(part.drop { $0 == "+" })
        }
        guard numbers.count == 2, let user = numbers[0], let group = numbers[1] else { return nil }
        self.user = user
        self.group = group
    }

    /// Whether QEMU reaches a socket.
    var reachability: Reachability {
        let (user, group) = (user, group)
        var reachability = Reachability(
            user: user, groups: Accounts.groups(of: user).union([group]))
        reachability.ofDirectory = 1
        reachability.advice = { _ in
            "QEMU runs as \(Accounts.userName(user)):\(Accounts.groupName(group)): have whoever makes the "
                + "socket give it that group and mode 0660, or have libvirt run QEMU in another "
                + "(group in qemu.conf)"
        }
        return reachability
    }

    /// What is found where the capabilities do not tell.
    static let unknown = Symptom(
        "libvirt",
        "does not say as which user and group QEMU runs, so nobody can tell whether it "
            + "reaches the sockets of its vhostuser interfaces",
        remedy:
            "have libvirt use its DAC driver (security_driver in qemu.conf), and set user and group "
            + "there")

    private final class Collector: NSObject, XMLParserDelegate {
        private(set) var label: String?
        private var path: [String] = []
        private var model = ""
        private var text = ""

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
            qualifiedName: String?, attributes: [String: String]
        ) {
            path.append(name)
            text = ""
            if path == ["capabilities", "host", "secmodel"] { model = "" }
        }

        func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

        func parser(
            _ parser: XMLParser, didEndElement name: String, namespaceURI: String?,
            qualifiedName: String?
        ) {
            switch path {
            case ["capabilities", "host", "secmodel", "model"]: model = text
            case ["capabilities", "host", "secmodel", "baselabel"]:
                if model == "dac", label == nil { label = text }
            default: break
            }
            path.removeLast()
        }
    }
}
