import Testing

/// What `#require` does, for values that cannot be copied.
func unwrap<Value: ~Copyable>(
    _ value: consuming Value?, sourceLocation: SourceLocation = #_sourceLocation
) throws -> Value {
    guard let value else {
        Issue.record("the value was nil", sourceLocation: sourceLocation)
        throw NothingToUnwrap()
    }
    return value
}

struct NothingToUnwrap: Error {}

extension Optional where Wrapped: ~Copyable {
    /// `== nil`, for values that cannot be copied.
    var isNil: Bool {
        borrowing get {
            switch self {
            case .none: true
            case .some: false
            }
        }
    }
}
