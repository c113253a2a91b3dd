import Synchronization

/// What a snippet prints, for the test that runs it.
final class Printed: Sendable {
    @TaskLocal static var current: Printed?

    private let lines = Mutex<[String]>([])

    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    func add(_ line: String) { lines.withLock { $0.append(line) } }
}

/// In place of Swift's own, in the snippets: with the same parameters, or Swift's is called at times.
func print(_ items: Any..., separator: String = " ", terminator: String = "\n") {
    Printed.current?.add(items.map { "\($0)" }.joined(separator: separator))
}

/// Runs a snippet and gives what it printed.
func printing(_ snippet: () async throws -> Void) async throws -> String {
    let printed = Printed()
    try await Printed.$current.withValue(printed) { try await snippet() }
    return printed.text
}

/// Runs a snippet that has no end of its own until it has printed some words, and ends it.
func printing(
    until words: String, _ snippet: @escaping @Sendable () async throws -> Void
) async throws -> String {
    let printed = Printed()
    let task = Printed.$current.withValue(printed) { Task { try await snippet() } }
    while !printed.text.contains(words), !Task.isCancelled { await Task.yield() }
    task.cancel()
    try await task.value
    return printed.text
}
