import Foundation

/// Runs the tools that an import needs: apt-get, curl, tar, xz, dpkg-deb, sha256sum.
enum Subprocess {
    /// Runs a program found in PATH and returns what it writes.
    ///
    /// - Throws: `ImportError` when it cannot be started or does not end with 0.
    static func output(_ program: String, _ arguments: [String]) throws(ImportError) -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardInput = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            throw ImportError("\(program) could not be started: \(error)")
        }
        let data = (try? pipe.fileHandleForReading.readToEnd()) ?? nil
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw ImportError(
                "\(program) \(arguments.joined(separator: " ")) ended with "
                    + "\(process.terminationStatus); what it said stands above")
        }
        return String(decoding: data ?? Data(), as: UTF8.self)
    }
}
