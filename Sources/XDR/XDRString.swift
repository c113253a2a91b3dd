/// A string as XDR has it: any bytes (RFC 4506, section 4.11), which are text as a rule.
///
/// Nothing is lost: bytes that are no valid UTF-8 are kept and written again as they came. Two
/// strings are equal when their bytes are.
public struct XDRString: Sendable {
    enum Storage: Sendable {
        case text(String)
        /// Never valid UTF-8, so that each string has one form only.
        case bytes([UInt8])
    }

    let storage: Storage

    /// A string that holds the text's UTF-8.
    public init(_ text: String) {
        storage = .text(text)
    }

    /// A string that holds the bytes.
    public init(bytes: [UInt8]) {
        if let text = String(validating: bytes, as: UTF8.self) {
            storage = .text(text)
        } else {
            storage = .bytes(bytes)
        }
    }

    /// The text; where the bytes are no valid UTF-8, with U+FFFD in place of what is not.
    public var text: String {
        switch storage {
        case .text(let text): text
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        }
    }

    /// The text, or nil where the bytes are no valid UTF-8.
    public var validText: String? {
        switch storage {
        case .text(let text): text
        case .bytes: nil
        }
    }

    /// The bytes as they are on the wire, without count and padding.
    public var bytes: [UInt8] {
        switch storage {
        case .text(let text): [UInt8](text.utf8)
        case .bytes(let bytes): bytes
        }
    }

    /// Where the first NUL is; nil where there is none.
    var firstNUL: Int? {
        switch storage {
        case .text(let text):
            text.utf8.firstIndex(of: 0).map {
                text.utf8.distance(from: text.utf8.startIndex, to: $0)
            }
        case .bytes(let bytes): bytes.firstIndex(of: 0)
        }
    }

    /// Whether there are no bytes.
    public var isEmpty: Bool {
        switch storage {
        case .text(let text): text.isEmpty
        case .bytes: false
        }
    }
}

extension XDRString: Hashable {
    /// Whether both hold the same bytes; unlike `String`, canonically equivalent text differs.
    public static func == (left: XDRString, right: XDRString) -> Bool {
        switch (left.storage, right.storage) {
        case (.text(let left), .text(let right)): left.utf8.elementsEqual(right.utf8)
        case (.bytes(let left), .bytes(let right)): left == right
        default: false
        }
    }

    /// Hashes the bytes.
    public func hash(into hasher: inout Hasher) {
        switch storage {
        case .text(let text): for byte in text.utf8 { hasher.combine(byte) }
        case .bytes(let bytes): for byte in bytes { hasher.combine(byte) }
        }
        hasher.combine(0xFF as UInt8)
    }
}

extension XDRString: ExpressibleByStringInterpolation {
    /// A string that holds the literal's UTF-8.
    public init(stringLiteral text: String) { self.init(text) }
}

extension XDRString: CustomStringConvertible {
    /// The same as ``text``.
    public var description: String { text }
}
