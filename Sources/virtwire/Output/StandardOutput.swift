internal import Foundation
internal import MemifController

/// The two ways out: what was asked for, and what is to be said about it.
enum StandardOutput {
    /// Writes one line at once.
    ///
    /// - Throws: `OutputClosed` when the reader has gone, `CommandFailure` when it cannot be written.
    static func line(_ text: String) throws {
        try write(text + "\n")
    }

    /// Writes text at once.
    static func write(_ text: String) throws {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
        } catch let error as NSError {
            let cause = error.userInfo[NSUnderlyingErrorKey] as? NSError ?? error
            if cause.domain == NSPOSIXErrorDomain, cause.code == Int(EPIPE) { throw OutputClosed() }
            throw CommandFailure(
                .failed, "cannot write the output: \(cause.localizedDescription)")
        }
    }

    /// Writes one object as one line of JSON.
    static func json(_ value: some Encodable) throws {
        try line(JSONLine.text(value))
    }

    /// Says something on standard error; who cannot hear it misses nothing else.
    static func say(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data("virtwire: \(text)\n".utf8))
    }
}
