/// What libvirt's comments before a procedure's number say about it.
struct Annotations: Hashable {
    /// `both`, `client`, `server` or `none`: which stubs libvirt's own generator makes.
    var generate = "none"
    var priority = "low"
    /// `read` or `write`, seen from the client; nil without a stream.
    var stream: String?
    /// The flag of the call by which holes may pass in the stream.
    var sparseFlag: String?
    /// `object:permission`, `object:permission:FLAG` or `object:permission::parameter:value`.
    /// Empty where no right is needed (`none`), nil where the description does not say.
    var acl: [String]?
    var aclFilter: [String] = []

    /// Reads the `@name: value` lines of a comment; other lines are prose.
    ///
    /// - Throws: `LanguageError` for an annotation that is not known.
    init(comment: String?, file: String, line: Int) throws(LanguageError) {
        for text in (comment ?? "").split(whereSeparator: \.isNewline) where text.hasPrefix("@") {
            let parts = text.dropFirst().split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else {
                throw LanguageError(file: file, line: line, message: "'\(text)' has no value")
            }
            try set(String(parts[0]), to: String(parts[1]).trimmingBlanks(), file, line)
        }
    }

    private mutating func set(
        _ name: String, to value: String, _ file: String, _ line: Int
    ) throws(LanguageError) {
        switch name {
        case "generate": generate = value
        case "priority": priority = value
        case "readstream": stream = "read"
        case "writestream": stream = "write"
        case "sparseflag": sparseFlag = value
        case "acl": acl = (acl ?? []) + (value == "none" ? [] : [value])
        case "aclfilter": aclFilter.append(value)
        default:
            throw LanguageError(file: file, line: line, message: "unknown annotation '@\(name)'")
        }
    }
}
