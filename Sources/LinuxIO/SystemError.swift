internal import Glibc

/// A system call that failed: which, on what, and why.
///
/// Source: errno(3).
public struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The value of `errno`.
    public let code: Int32
    /// What was attempted, as a verb phrase: "open", "bind the socket".
    public let operation: String
    /// What it was attempted on: a path, a descriptor's role. Empty where there is nothing to name.
    public let subject: String

    /// Makes an error from a known code.
    public init(code: Int32, operation: String, subject: String = "") {
        self.code = code
        self.operation = operation
        self.subject = subject
    }

    /// Makes an error from the calling thread's `errno`; call it straight after the failed call.
    public init(_ operation: String, _ subject: String = "") {
        self.init(code: errno, operation: operation, subject: subject)
    }

    /// The system's own words for the code, such as "Permission denied".
    public var reason: String {
        // SAFETY: strerror returns a NUL-terminated string that lives until the thread's next call.
        unsafe String(cString: strerror(code))
    }

    /// One sentence: what failed, on what, why.
    public var description: String {
        let object = subject.isEmpty ? "" : " \(subject)"
        return "cannot \(operation)\(object): \(reason) (errno \(code))"
    }
}

/// Runs a call that answers -1 on failure, again while a signal interrupts it.
///
/// - Throws: `SystemError` with the operation and subject given.
@discardableResult
public func systemCall<Result: SignedInteger>(
    _ operation: String, _ subject: @autoclosure () -> String = "", _ body: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = body()
        if result != -1 { return result }
        if errno != EINTR { throw SystemError(operation, subject()) }
    }
}
