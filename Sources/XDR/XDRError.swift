/// What an encoder or a decoder could not accept, and where.
///
/// The error names the byte at which the offending item starts, counted from the start of the
/// memory that the codec was given, together with what was expected there and what was found.
/// It never holds bytes of the payload, so its description is safe to print.
public struct XDRError: Error, Hashable, Sendable {
    /// The kind of problem. More kinds may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        enum Base: String {
            case truncated, overLimit, wrongCount, invalidBoolean, invalidEnumeration
            case invalidDiscriminant, outOfRange, nonZeroPadding, trailingBytes, noRoom
            case tooDeep, embeddedNUL
        }

        let base: Base

        /// The data end before the item does, or a count promises more than the data can hold.
        public static let truncated = Code(base: .truncated)
        /// More elements or bytes than the declaration `<limit>` allows.
        public static let overLimit = Code(base: .overLimit)
        /// A fixed-length array or opaque with another number of elements than declared.
        public static let wrongCount = Code(base: .wrongCount)
        /// A boolean, or the flag before optional data, that is neither 0 nor 1.
        public static let invalidBoolean = Code(base: .invalidBoolean)
        /// A number that the enumeration does not define.
        public static let invalidEnumeration = Code(base: .invalidEnumeration)
        /// A discriminant that selects no arm of the union.
        public static let invalidDiscriminant = Code(base: .invalidDiscriminant)
        /// A number that does not fit the type declared for it.
        public static let outOfRange = Code(base: .outOfRange)
        /// A pad byte that is not zero; only found by a decoder that was asked to look.
        public static let nonZeroPadding = Code(base: .nonZeroPadding)
        /// Bytes that follow the last item.
        public static let trailingBytes = Code(base: .trailingBytes)
        /// The memory given to the encoder is full.
        public static let noRoom = Code(base: .noRoom)
        /// More optional values within each other than allowed.
        public static let tooDeep = Code(base: .tooDeep)
        /// A string with a NUL; only found by an encoder that was asked to look.
        public static let embeddedNUL = Code(base: .embeddedNUL)

        /// The code's name.
        public var description: String { base.rawValue }
    }

    /// The kind of problem.
    public let code: Code
    /// The byte at which the offending item starts.
    public let byteOffset: Int
    /// The number that was found: a count, a value, or bytes, as the code implies.
    public let found: Int
    /// The number that was allowed or needed, where the code has one; otherwise 0.
    public let bound: Int
    /// The name of the type concerned, where the code has one; otherwise empty.
    public let subject: String

    /// An error of a type that encodes or decodes itself.
    ///
    /// - Parameters:
    ///   - byteOffset: the codec's `byteOffset` where the offending item starts.
    ///   - found: the number that was found.
    ///   - bound: the number that was allowed or needed.
    ///   - subject: the name of the type concerned.
    public init(_ code: Code, at byteOffset: Int, found: Int, bound: Int = 0, subject: String = "")
    {
        self.code = code
        self.byteOffset = byteOffset
        self.found = found
        self.bound = bound
        self.subject = subject
    }
}

extension XDRError {
    /// What should have been at ``byteOffset``.
    public var expectation: String {
        switch code.base {
        case .truncated: "\(bound) bytes"
        case .overLimit: "a count of at most \(bound)"
        case .wrongCount: "a count of \(bound)"
        case .invalidBoolean: "0 or 1"
        case .invalidEnumeration: "a value of enum \(subject)"
        case .invalidDiscriminant: "a discriminant of union \(subject)"
        case .outOfRange: "a value of type \(subject)"
        case .nonZeroPadding: "a zero byte of padding"
        case .trailingBytes: "the end of the data"
        case .noRoom: "room for \(bound) bytes"
        case .tooDeep: "at most \(bound) optional values within each other"
        case .embeddedNUL: "a string without NUL"
        }
    }

    /// What was at ``byteOffset`` instead.
    var finding: String {
        switch code.base {
        case .truncated, .noRoom: "\(found) remain"
        case .trailingBytes: "\(found) more bytes"
        case .embeddedNUL: "one as its byte \(found)"
        default: "\(found)"
        }
    }
}

extension XDRError: CustomStringConvertible {
    /// One sentence: where, what was expected, what was found.
    public var description: String {
        "XDR error at byte \(byteOffset): expected \(expectation), found \(finding)"
    }
}
