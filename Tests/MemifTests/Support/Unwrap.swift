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

/// What `#expect(value == expected)` does, for values that come out of something that cannot be
/// copied: the macro would have to.
func expectEqual<Value: Equatable>(
    _ value: Value, _ expected: Value, sourceLocation: SourceLocation = #_sourceLocation
) {
    if value != expected {
        Issue.record("\(value) is not \(expected)", sourceLocation: sourceLocation)
    }
}
