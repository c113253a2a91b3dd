internal import Foundation
internal import Glibc

/// A terminal that passes every key on as it is: no echo, no lines, no signals.
struct RawMode {
    private let usual: termios

    /// Changes the terminal that is the standard input; nil where that is none.
    init?() {
        var settings = termios()
        // SAFETY: tcgetattr fills in one structure, cfmakeraw changes it, tcsetattr reads it.
        guard unsafe tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        usual = settings
        // SAFETY: as above.
        unsafe cfmakeraw(&settings)
        // SAFETY: as above.
        guard unsafe tcsetattr(STDIN_FILENO, TCSADRAIN, &settings) == 0 else { return nil }
    }

    /// Makes the terminal what it was.
    func restore() {
        var usual = usual
        // SAFETY: one structure is read.
        _ = unsafe tcsetattr(STDIN_FILENO, TCSADRAIN, &usual)
    }
}

/// The keys that are pressed, up to the one that leaves.
struct Keyboard: Sendable {
    /// What was typed, as it comes.
    let bytes: AsyncStream<[UInt8]>

    init(escape: UInt8) {
        let (bytes, sink) = AsyncStream.makeStream(of: [UInt8].self)
        self.bytes = bytes
        // Reading a terminal waits; a thread of its own may.
        Thread.detachNewThread {
            while let data = try? FileHandle.standardInput.read(upToCount: 1), !data.isEmpty {
                let typed = Array(data)
                if typed.contains(escape) { break }
                sink.yield(typed)
            }
            sink.finish()
        }
    }
}
