internal import NIOSSL

/// Which versions of TLS and which cipher suites are spoken, as far as a GnuTLS priority string says so.
///
/// Nothing older than TLS 1.2 is spoken, and the suites of TLS 1.3 cannot be chosen among: a string that
/// asks for either is refused, because to ignore it would weaken what its author wanted.
///
/// Source: GnuTLS's manual, "Priority strings".
public struct TLSPriority: Hashable, Sendable {
    private var speaks12 = true
    private var speaks13 = true
    private var onlyForwardSecrecy = false

    /// What libvirt's `NORMAL` means here: TLS 1.2 and 1.3.
    public init() {}

    /// Reads a priority string.
    ///
    /// - Throws: `TLSPriorityError` for a word that cannot be honoured.
    public init(_ text: String) throws(TLSPriorityError) {
        let words = text.split(separator: ":").map { $0.uppercased() }
        for (index, word) in words.enumerated() {
            if index == 0, begin(with: word) { continue }
            guard change(by: word) else { throw TLSPriorityError(text: text, word: word) }
        }
        guard !words.isEmpty, speaks12 || speaks13 else {
            throw TLSPriorityError(text: text, word: nil)
        }
    }

    private mutating func begin(with word: String) -> Bool {
        switch word {
        // A list after @ names settings of the system's GnuTLS, the last of them its own.
        case "NORMAL", "PERFORMANCE", "SECURE128", "SYSTEM", "@SYSTEM", "@LIBVIRT,SYSTEM":
            return true
        case "PFS":
            onlyForwardSecrecy = true
            return true
        default: return false
        }
    }

    private mutating func change(by word: String) -> Bool {
        switch word {
        case "-VERS-ALL", "-VERS-TLS-ALL", "!VERS-ALL", "!VERS-TLS-ALL":
            speaks12 = false
            speaks13 = false
        case "+VERS-TLS1.2": speaks12 = true
        case "+VERS-TLS1.3": speaks13 = true
        case "-VERS-TLS1.2", "!VERS-TLS1.2": speaks12 = false
        case "-VERS-TLS1.3", "!VERS-TLS1.3": speaks13 = false
        case "-RSA", "!RSA": onlyForwardSecrecy = true
        // Never spoken, or of no weight to a client that has never spoken the old.
        case "-VERS-SSL3.0", "!VERS-SSL3.0", "-VERS-TLS1.0", "!VERS-TLS1.0", "-VERS-TLS1.1",
            "!VERS-TLS1.1", "-ARCFOUR-128", "!ARCFOUR-128", "-3DES-CBC", "!3DES-CBC", "-MD5",
            "!MD5", "%COMPAT", "%SAFE_RENEGOTIATION", "%SERVER_PRECEDENCE":
            break
        default: return false
        }
        return true
    }

    func apply(to configuration: inout TLSConfiguration) {
        configuration.minimumTLSVersion = speaks12 ? .tlsv12 : .tlsv13
        configuration.maximumTLSVersion = speaks13 ? nil : .tlsv12
        if onlyForwardSecrecy {
            configuration.cipherSuites = defaultCipherSuites + ":!kRSA"
        }
    }
}

/// A priority string that cannot be honoured.
public struct TLSPriorityError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The string.
    public let text: String
    /// The word that cannot be honoured; nil when nothing is left to speak.
    public let word: String?

    /// What cannot be honoured, and what can.
    public var description: String {
        guard let word else { return "tls_priority=\(text) leaves no version of TLS to speak" }
        return
            "tls_priority=\(text) cannot be honoured, for its \"\(word)\": it may be NORMAL or PFS, "
            + "with -VERS-ALL, and + or - VERS-TLS1.2 and VERS-TLS1.3 behind it"
    }
}
