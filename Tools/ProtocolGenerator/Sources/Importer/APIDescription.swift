import Foundation
import FoundationXML

/// What libvirt's API descriptions (`libvirt-api.xml` and its siblings) say about functions and
/// enumerations. The prose in them is passed over.
struct APIDescription {
    struct Function: Hashable {
        var name: String
        /// The header that declares it, without `.h`.
        var header: String
        /// The version that brought it.
        var since: String?
        /// The enumeration whose bits its `flags` are.
        var flags: String?
    }

    struct Member: Hashable {
        var name: String
        var enumeration: String
        var header: String
        /// A number or the name of another symbol.
        var value: String
        var isBit: Bool
        var since: String?
    }

    var functions: [Function] = []
    /// In alphabetical order, as the descriptions have them.
    var members: [Member] = []

    mutating func append(_ other: APIDescription) {
        functions += other.functions
        members += other.members
    }

    /// - Throws: `ImportError` when the text is no XML.
    static func parse(_ data: Data, file: String) throws(ImportError) -> APIDescription {
        let reader = Reader()
        let parser = XMLParser(data: data)
        parser.delegate = reader
        guard parser.parse() else {
            throw ImportError("\(file):\(parser.lineNumber): this is no well-formed XML")
        }
        return reader.found
    }
}

extension APIDescription {
    /// Collects the attributes of the elements that matter.
    private final class Reader: NSObject, XMLParserDelegate {
        var found = APIDescription()
        /// Whether the element is within a function, and not within a type of callbacks.
        private var isFunction = false

        func parser(
            _ parser: XMLParser, didStartElement element: String, namespaceURI: String?,
            qualifiedName: String?, attributes: [String: String]
        ) {
            guard let name = attributes["name"] else { return }
            switch element {
            case "functype": isFunction = false
            case "arg":
                guard isFunction, name == "flags", let info = attributes["info"] else { return }
                found.functions[found.functions.count - 1].flags = Self.enumeration(in: info)
            case "function":
                isFunction = true
                found.functions.append(
                    Function(
                        name: name, header: attributes["file"] ?? "",
                        since: attributes["version"]))
            case "enum":
                guard let enumeration = attributes["type"], let value = attributes["value"] else {
                    return
                }
                found.members.append(
                    Member(
                        name: name, enumeration: enumeration,
                        header: attributes["file"] ?? "", value: value,
                        isBit: attributes["value_bitshift"] != nil,
                        since: attributes["version"]))
            default: return
            }
        }

        /// The first name of an enumeration in what is said of an argument.
        private static func enumeration(in text: String) -> String? {
            text.firstMatch(of: #/\bvir[A-Z]\w*(Flags|Values|Impact|Types?)\b/#).map {
                String($0.output.0)
            }
        }
    }
}

extension APIDescription {
    /// The enumerations with their members by value, without the sentinels that count them.
    func enumerations() -> [APIModel.Enumeration] {
        let values = Dictionary(members.map { ($0.name, $0.value) }) { first, _ in first }
        let groups = Dictionary(grouping: members, by: \.enumeration)
        return groups.map { name, members in
            var resolved: [APIModel.Member] = []
            for member in members {
                guard let value = Self.resolve(member.value, values) else { continue }
                resolved.append(.init(name: member.name, value: value, since: member.since))
            }
            let highest = resolved.map(\.value).max()
            resolved.removeAll { $0.name.hasSuffix("_LAST") && $0.value == highest }
            resolved.sort { ($0.value, $0.name) < ($1.value, $1.name) }
            return APIModel.Enumeration(
                name: name, header: members[0].header,
                isFlags: members.contains(where: \.isBit) || Overrides.flags.contains(name),
                members: resolved)
        }.sorted { ($0.header, $0.name) < ($1.header, $1.name) }
    }

    /// Follows a member that is defined by another one; nil when the chain ends in a macro, as
    /// only that of a sentinel does.
    private static func resolve(_ text: String, _ values: [String: String]) -> Int64? {
        var text = text
        for _ in 0..<8 {
            if let number = Int64(text) { return number }
            guard let next = values[text] else { return nil }
            text = next
        }
        return nil
    }
}
