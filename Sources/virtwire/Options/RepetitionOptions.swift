internal import ArgumentParser
internal import Foundation
internal import Glibc

/// Whether what was found is written once, or again and again.
struct RepetitionOptions: ParsableArguments {
    @Flag(help: "Write again and again, until interrupted.")
    var watch = false

    @Option(help: "With --watch: seconds from one time to the next.")
    var interval = 2.0

    @Option(help: "With --watch: end after so many times.")
    var count: Int?

    func validate() throws {
        try TimeLimit.check(interval, "--interval")
        if let count, count < 1 { throw ValidationError("--count is 1 or more") }
        if count != nil, !watch { throw ValidationError("--count goes with --watch") }
    }

    /// Carries the body out once, or as often as asked for, each time with how often it was before.
    func run(_ body: (_ turn: Int) async throws -> Void) async throws {
        try await body(0)
        guard watch else { return }
        var turn = 1
        while turn < count ?? .max {
            try await Task.sleep(for: .seconds(interval))
            try await body(turn)
            turn += 1
        }
    }

    /// Makes room for the next picture: on a terminal in place of the one before, else below it.
    func turnPage(_ turn: Int) throws {
        guard watch else { return }
        if isatty(STDOUT_FILENO) == 1 {
            try StandardOutput.write("\u{1B}[H\u{1B}[2J")
        } else if turn > 0 {
            try StandardOutput.line("")
        }
    }
}
