internal import Foundation
internal import FoundationXML

/// What of a domain's XML decides whether packets can reach its guest.
struct DomainFacts: Hashable {
    /// A NIC whose other end is a vhost-user socket.
    struct VhostUserInterface: Hashable {
        /// The alias, else the MAC address.
        var name = ""
        var path = ""
        /// Whether QEMU connects (`mode='client'`) or listens.
        var isClient = false
    }

    /// Whether the guest's memory can be mapped by another process.
    private(set) var hasSharedMemory = false
    private(set) var vhostUserInterfaces: [VhostUserInterface] = []
    /// Namespaces of the elements directly in `<metadata>`, with the elements' local names.
    private(set) var metadata: [(name: String, namespace: String)] = []

    /// Reads a domain's XML; nil when it is not well-formed.
    init?(xml: String) {
        let parser = XMLParser(data: Data(xml.utf8))
        parser.shouldProcessNamespaces = true
        let collector = Collector()
        parser.delegate = collector
        guard parser.parse() else { return nil }
        self = collector.facts
    }

    private init() {}

    static func == (left: DomainFacts, right: DomainFacts) -> Bool {
        left.hasSharedMemory == right.hasSharedMemory
            && left.vhostUserInterfaces == right.vhostUserInterfaces
            && left.metadata.elementsEqual(right.metadata, by: ==)
    }

    func hash(into hasher: inout Hasher) { hasher.combine(vhostUserInterfaces) }

    private final class Collector: NSObject, XMLParserDelegate {
        var facts = DomainFacts()
        private var path: [String] = []
        private var interface: VhostUserInterface?

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
            qualifiedName: String?, attributes: [String: String]
        ) {
            switch path.joined(separator: "/") + "/" + name {
            case "domain/memoryBacking/access":
                facts.hasSharedMemory = attributes["mode"] == "shared"
            case "domain/devices/interface" where attributes["type"] == "vhostuser":
                interface = VhostUserInterface()
            case "domain/devices/interface/source":
                interface?.path = attributes["path"] ?? ""
                interface?.isClient = attributes["mode"] == "client"
            case "domain/devices/interface/mac":
                if interface?.name.isEmpty == true { interface?.name = attributes["address"] ?? "" }
            case "domain/devices/interface/alias":
                interface?.name = attributes["name"] ?? ""
            case "domain/metadata/\(name)":
                facts.metadata.append((name, namespaceURI ?? ""))
            default: break
            }
            path.append(name)
        }

        func parser(
            _ parser: XMLParser, didEndElement name: String, namespaceURI: String?,
            qualifiedName: String?
        ) {
            path.removeLast()
            if name == "interface", let done = interface {
                facts.vhostUserInterfaces.append(done)
                interface = nil
            }
        }
    }
}
