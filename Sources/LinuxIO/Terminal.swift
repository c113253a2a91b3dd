internal import Glibc

/// The terminal from which a program was started, and the person at it.
public enum Terminal {
    /// The longest answer, in bytes: what a terminal takes in a line.
    private static let longestAnswer = 4096
    /// How often it is looked whether the answer is still wanted, in milliseconds.
    private static let patience: Int32 = 100
    private static let path = "/dev/tty"

    /// Whether a person can be asked: the program reads from a terminal, and its errors go to one.
    public static var hasPerson: Bool {
        isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1
    }

    /// Asks a question and waits for a line. Blocks: never call it on a task's own thread.
    ///
    /// - Parameters:
    ///   - isSecret: does not show what is typed. Source: getpass(3).
    ///   - isWanted: looked at several times a second; false ends the wait.
    /// - Returns: the line; nil for the end of input, for Ctrl-C, and when it is no longer wanted.
    /// - Throws: `SystemError` when there is no terminal.
    public static func ask(
        _ question: String, isSecret: Bool, isWanted: () -> Bool = { true }
    ) throws(SystemError) -> String? {
        let terminal = try File.open(path, O_RDWR | O_NOCTTY, mode: 0)
        guard isSecret else {
            try write(question, to: terminal)
            return try line(from: terminal, isWanted)
        }
        var usual = termios()
        // SAFETY: tcgetattr writes one structure; tcsetattr reads one.
        try systemCall("read the settings of", path) {
            unsafe tcgetattr(terminal.rawValue, &usual)
        }
        var quiet = usual
        // An interrupt would end the program and leave the terminal mute: it comes as a byte instead.
        quiet.c_lflag &= ~tcflag_t(ISIG | ICANON | ECHO)
        try systemCall("change the settings of", path) {
            unsafe tcsetattr(terminal.rawValue, TCSADRAIN, &quiet)
        }
        // SAFETY: as above.
        defer { _ = unsafe tcsetattr(terminal.rawValue, TCSADRAIN, &usual) }
        try write(question, to: terminal)
        let answer = try line(from: terminal, isWanted)
        try write("\n", to: terminal)
        return answer
    }

    private static func write(
        _ text: String, to terminal: borrowing OwnedDescriptor
    ) throws(SystemError) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = try systemCall("write to", path) {
                // SAFETY: the bytes live for the call, which reads no more than their count.
                unsafe rest.withUnsafeBytes {
                    unsafe Glibc.write(terminal.rawValue, $0.baseAddress, $0.count)
                }
            }
            rest = rest.dropFirst(count)
        }
    }

    private static func line(
        from terminal: borrowing OwnedDescriptor, _ isWanted: () -> Bool
    ) throws(SystemError) -> String? {
        var line: [UInt8] = []
        while isWanted() {
            var wait = pollfd(fd: terminal.rawValue, events: Int16(POLLIN), revents: 0)
            // SAFETY: one structure, as the count says.
            let isReady = try systemCall("wait for", path) { unsafe poll(&wait, 1, patience) }
            if isReady == 0 { continue }
            var byte: UInt8 = 0
            // SAFETY: read writes at most the one byte that is there.
            let count = try systemCall("read", path) {
                unsafe Glibc.read(terminal.rawValue, &byte, 1)
            }
            switch (count, byte) {
            case (0, _), (_, 0x03): return nil
            case (_, 0x04): return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
            case (_, 0x0A), (_, 0x0D): return String(decoding: line, as: UTF8.self)
            case (_, 0x08), (_, 0x7F): erase(&line)
            case (_, 0x15): line = []
            default: if line.count < longestAnswer { line.append(byte) }
            }
        }
        return nil
    }

    /// Takes back the last character, which may have several bytes.
    private static func erase(_ line: inout [UInt8]) {
        while let byte = line.popLast(), byte & 0xC0 == 0x80 {}
    }
}
