/// Writes the enumerations of libvirt's C API under Swift's kind of names, with the C name in the
/// documentation of each.
struct APIWriter {
    let model: APIModel

    func files() -> [GeneratedFile] {
        let groups = Dictionary(grouping: model.enumerations) { Self.group(of: $0) }
        return groups.keys.sorted().flatMap { group in
            Chunks.files(
                named: "API/\(group)", header: header,
                blocks: (groups[group] ?? []).map { text(of: $0) })
        }
    }

    private var header: SourceText {
        Header.text(
            "the facts of \(model.source.package) \(model.source.version)'s API",
            importsXDR: false)
    }

    /// The file, by header and kind.
    private static func group(of enumeration: APIModel.Enumeration) -> String {
        let header = enumeration.header.replacing("libvirt-", with: "")
        let area = SwiftNames.upperCamelCase(header == "virterror" ? "error" : header)
        guard area == "Domain" else { return area }
        if enumeration.isFlags { return "DomainFlags" }
        let name = enumeration.name
        if name.contains("Event") { return "DomainEvents" }
        if name.hasSuffix("Reason") || name.hasSuffix("State") { return "DomainStates" }
        return "Domain"
    }

    private func text(of enumeration: APIModel.Enumeration) -> SourceText {
        let names = MemberNames(enumeration)
        let values = enumeration.members.map { member in
            let since = member.since.map { ", since libvirt \($0)" } ?? ""
            return EnumerationWriter.Value(
                swiftName: SwiftNames.escaped(names.swiftName(of: member.name)),
                name: member.name, number: member.value,
                doc: "`\(member.name)`\(since).")
        }
        let writer = EnumerationWriter(name: enumeration.name, values: values)
        let page = Reference.page(of: enumeration.header)
        let doc = "<\(page)#\(enumeration.name)>"
        return enumeration.isFlags ? writer.optionSet(doc: doc) : writer.text(doc: doc)
    }
}

/// The Swift names of an enumeration's members: without what all, or most, start with.
struct MemberNames {
    private let prefix: String

    init(_ enumeration: APIModel.Enumeration) {
        let names = enumeration.members.map(\.name)
        prefix =
            if let prefix = Overrides.memberPrefixes[enumeration.name] {
                prefix
            } else if names.count == 1, let name = names.first {
                Self.prefix(of: name, in: enumeration.name)
            } else {
                Self.commonPrefix(names)
            }
    }

    func swiftName(of name: String) -> String {
        if name.hasPrefix(prefix) { return Self.camelCase(name.dropFirst(prefix.count)) }
        return Self.camelCase(name.trimmingPrefix("VIR_"))
    }

    /// A name cannot start with a digit: `2_0` becomes `_20`.
    private static func camelCase(_ name: some StringProtocol) -> String {
        let text = SwiftNames.lowerCamelCase(name)
        return text.first?.isNumber == true ? "_" + text : text
    }

    /// What all names start with, up to an underscore, leaving something of each.
    static func commonPrefix(_ names: [String]) -> String {
        guard var prefix = names.first else { return "" }
        for name in names {
            prefix = String(zip(prefix, name).prefix { $0 == $1 }.map(\.0))
        }
        while !prefix.isEmpty, prefix.last != "_" || names.contains(prefix) {
            prefix.removeLast()
        }
        return prefix
    }

    /// What a single member shares with the name of its enumeration:
    /// `VIR_DOMAIN_DEFINE_` of `VIR_DOMAIN_DEFINE_VALIDATE` in `virDomainDefineFlags`.
    static func prefix(of name: String, in enumeration: String) -> String {
        let words = name.split(separator: "_")
        let target = enumeration.lowercased()
        var prefix: [Substring] = []
        for word in words.dropLast() {
            guard target.hasPrefix((prefix + [word]).joined().lowercased()) else { break }
            prefix.append(word)
        }
        return prefix.joined(separator: "_") + "_"
    }
}
