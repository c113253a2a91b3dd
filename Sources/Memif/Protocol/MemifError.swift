public import LinuxIO

/// What the core could not do for its own program. (What ends a link is a `LinkEnd`.)
public struct MemifError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of problem. More may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        enum Base: String {
            case invalidConfiguration, idInUse, closed, queuesTaken, timedOut, system
        }

        let base: Base

        /// A configuration that no link could have; the message says which value and what is allowed.
        public static let invalidConfiguration = Code(base: .invalidConfiguration)
        /// The socket has an interface of this id already.
        public static let idInUse = Code(base: .idInUse)
        /// The socket or interface is closed.
        public static let closed = Code(base: .closed)
        /// Queues are held that must be let go before.
        public static let queuesTaken = Code(base: .queuesTaken)
        /// The time that the caller gave is over.
        public static let timedOut = Code(base: .timedOut)
        /// The system refused a call; `systemError` says which.
        public static let system = Code(base: .system)

        /// The code's name.
        public var description: String { base.rawValue }
    }

    /// The kind of problem.
    public let code: Code
    /// One sentence: what, where, what to do.
    public let message: String
    /// The system's refusal, for `.system`.
    public let systemError: SystemError?

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
        systemError = nil
    }

    /// Wraps a refusal of the system.
    public init(_ error: SystemError) {
        code = .system
        message = error.description
        systemError = error
    }

    /// The message.
    public var description: String { message }
}
