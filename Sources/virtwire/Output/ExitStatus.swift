/// How the program ends. A contract: scripts decide by it.
enum ExitStatus: Int32 {
    case done = 0
    case failed = 1
    case usage = 2
    case notFound = 3
    case timedOut = 124
}

/// A command that could not do what it was asked: one sentence with what to do, and the status.
struct CommandFailure: Error {
    let status: ExitStatus
    let message: String

    init(_ status: ExitStatus = .failed, _ message: String) {
        self.status = status
        self.message = message
    }
}

/// Whoever read the output has gone: nobody is left to write for, which is no failure.
struct OutputClosed: Error {}
