/// The Swift names of libvirt's functions.
enum MethodName {
    /// The method's name: the function's without what the receiver says already, without `Get`, and
    /// with `lookUp`, `define` and `create` in front of what is found or made.
    static func of(_ function: String, on kind: ObjectKind?) -> String {
        var rest = function.trimmingPrefix("vir")
        if let kind {
            rest = rest.trimmingPrefix(kind.prefix)
        } else if rest.hasPrefix("Connect") {
            rest = rest.trimmingPrefix("Connect")
        }
        var name = String(rest).replacing("StorageVol", with: "StorageVolume")
        for suffix in ["WithFlags", "Flags"]
        where name.hasSuffix(suffix) && !kept.contains(function) {
            name.removeLast(suffix.count)
            break
        }
        if let match = name.wholeMatch(of: #/(\w*?)LookupBy\w+/#) {
            return "lookUp" + match.output.1
        }
        if let match = name.wholeMatch(of: #/(\w*)(Define|Create)XML(\w*)/#) {
            return match.output.2.lowercased() + match.output.1 + match.output.3
        }
        if name.hasSuffix("XMLDesc") { name = name.replacing("XMLDesc", with: "XML") }
        return lowerFirst(plain[function] ?? name.replacing(#/Get([A-Z])/#) { $0.output.1 })
    }

    /// Functions beside which there is one of the same name without `Flags` that gives something else.
    private static let kept: Set<String> = ["virDomainBlockStatsFlags", "virDomainGetVcpusFlags"]

    /// A field's name: `xml_desc` as `xmlDesc`.
    static func ofField(_ field: String) -> String {
        let words = field.split(separator: "_").enumerated().map { index, word in
            index == 0 ? lowerFirst(String(word)) : word.prefix(1).uppercased() + word.dropFirst()
        }
        return words.joined()
    }

    /// Names that the rule would make odd.
    private static let plain = [
        "virDomainRevertToSnapshot": "Revert", "virDomainRestoreFlags": "RestoreDomain",
        "virDomainRestoreParams": "RestoreDomainParams",
        "virDomainSnapshotCurrent": "CurrentSnapshot", "virDomainSnapshotNum": "NumOfSnapshots",
        "virDomainSnapshotListNames": "ListSnapshotNames",
        "virDomainAuthorizedSSHKeysGet": "AuthorizedSSHKeys",
        "virDomainAuthorizedSSHKeysSet": "SetAuthorizedSSHKeys",
    ]

    /// Whether the function asks a question that yes or no answers.
    static func asks(_ function: String) -> Bool {
        function.contains(#/[a-z](Is|Has)[A-Z]/#)
    }

    /// `FSTrim` as `fsTrim`, `XML` as `xml`, `IOThread` as `ioThread`, `Ref` as `ref`.
    static func lowerFirst(_ name: String) -> String {
        let capitals = name.prefix { $0.isUppercase }
        let isWord = capitals.count == name.count || capitals.count < 2
        let count = isWord ? capitals.count : capitals.count - 1
        return name.prefix(count).lowercased() + name.dropFirst(count)
    }
}
