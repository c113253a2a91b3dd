internal import Foundation
internal import FoundationXML

/// An element of our namespace in a domain's metadata.
struct MetadataElement: Hashable, Sendable {
    /// Its local name.
    var name: String
    /// Its attributes that have no prefix; those of other namespaces are not ours to read.
    var attributes: [String: String]
    /// The elements in it, of whatever namespace.
    var children: [MetadataElement] = []
}

/// The part of a domain's XML that concerns ports.
struct DomainDocument {
    /// The namespace of our elements; the prefix is the author's choice.
    ///
    /// The URI names the format and is never fetched. It changes only with an incompatible format.
    static let namespace = "https://virtwire.dev/xmlns/memif/1"

    /// The elements of our namespace that stand directly in `<metadata>`.
    let elements: [MetadataElement]
    /// The interfaces of type `vhostuser` that name a socket.
    let vhostUserInterfaces: [VhostUserInterface]

    /// Reads a domain's XML, as libvirt prints it.
    ///
    /// - Throws: `DomainDocumentError` when it is not well-formed or no domain.
    init(xml: String) throws(DomainDocumentError) {
        let parser = XMLParser(data: Data(xml.utf8))
        parser.shouldProcessNamespaces = true
        let collector = Collector()
        parser.delegate = collector
        // XMLParser takes a document that ends early for a whole one.
        guard parser.parse(), collector.isWholeDomain else {
            throw DomainDocumentError(line: parser.lineNumber)
        }
        elements = collector.elements
        vhostUserInterfaces = collector.interfaces
    }

    /// The domain's name, which libvirt prints first of all; nil where something else comes first, or the
    /// name is written in a way that has to be read with more care.
    ///
    /// Source: libvirt's `domain_conf.c`, virDomainDefFormatInternalSetRootName.
    static func name(in xml: String) -> String? {
        guard let domain = xml.firstRange(of: "<domain"),
            let start = xml[domain.upperBound...].firstRange(of: ">"),
            let name = xml[start.upperBound...].firstRange(of: "<name>"),
            xml[start.upperBound..<name.lowerBound].allSatisfy(\.isWhitespace),
            let end = xml[name.upperBound...].firstIndex(of: "<")
        else { return nil }
        var text = String(xml[name.upperBound..<end])
        guard text.contains("&") else { return text }
        for (entity, character) in entities { text.replace(entity, with: character) }
        // This one at the end, or what it leaves would be taken for another.
        let isRead = !text.replacing("&amp;", with: "").contains("&")
        return isRead ? text.replacing("&amp;", with: "&") : nil
    }

    private static let entities = [
        ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"),
    ]

    /// Follows the document's depth, and keeps what stands below /domain/metadata in our namespace.
    private final class Collector: NSObject, XMLParserDelegate {
        private var isDomain = false
        var elements: [MetadataElement] = []
        var interfaces: [VhostUserInterface] = []
        private var interfaceCount = 0
        private var isVhostUser = false
        private var path: [String] = []
        /// The open elements of ours, outermost first.
        private var open: [MetadataElement] = []

        var isWholeDomain: Bool { isDomain && path.isEmpty }

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
            qualifiedName: String?, attributes: [String: String]
        ) {
            if path.isEmpty { isDomain = name == "domain" }
            let isOurs = namespaceURI == DomainDocument.namespace
            let isTop = isOurs && path == ["domain", "metadata"]
            if isTop || !open.isEmpty {
                open.append(
                    MetadataElement(
                        name: isOurs ? name : qualifiedName ?? name,
                        attributes: attributes.filter { !$0.key.contains(":") }))
            }
            noteInterface(name, attributes)
            path.append(name)
        }

        private func noteInterface(_ name: String, _ attributes: [String: String]) {
            if name == "interface", path == ["domain", "devices"] {
                interfaceCount += 1
                isVhostUser = attributes["type"] == "vhostuser"
            } else if name == "source", isVhostUser, path == ["domain", "devices", "interface"],
                let socket = attributes["path"]
            {
                interfaces.append(VhostUserInterface(place: interfaceCount, path: socket))
            }
        }

        func parser(
            _ parser: XMLParser, didEndElement name: String, namespaceURI: String?,
            qualifiedName: String?
        ) {
            path.removeLast()
            guard let element = open.popLast() else { return }
            if open.isEmpty {
                elements.append(element)
            } else {
                open[open.count - 1].children.append(element)
            }
        }
    }
}

/// A domain's XML that is none.
struct DomainDocumentError: Error, Hashable, CustomStringConvertible {
    /// Where reading ended, counted from 1.
    let line: Int

    var description: String { "the domain's XML is not well-formed near line \(line)" }
}
