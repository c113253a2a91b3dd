internal import LinuxIO
internal import MemifController

/// What is known of a host and its daemon, a line of JSON for each part; a part that cannot be had is a line that
/// says why.
struct SupportBundle {
    private struct Line<Content: Encodable>: Encodable {
        var part: String
        var content: Content?
        var missing: String?
    }

    /// How long a part may take: what hangs is what bundles are made of.
    private let limit: Duration
    private var lines: [String] = []
    /// The parts that are not in it, each with the reason.
    private(set) var missing: [String] = []

    init(limit: Duration = .seconds(60)) { self.limit = limit }

    /// Adds a part, or why it is missing.
    ///
    /// - Returns: the part; nil when it is missing.
    @discardableResult
    mutating func add<Content: Encodable & Sendable>(
        _ part: String, _ content: @escaping @Sendable () async throws -> Content
    ) async -> Content? {
        do {
            let found = try await inTime(content)
            lines.append(try JSONLine.text(Line(part: part, content: found)))
            return found
        } catch {
            let reason = (error as? CommandFailure)?.message ?? "\(error)"
            missing.append("\(part): \(reason)")
            let line = Line<String>(part: part, missing: reason)
            lines.append((try? JSONLine.text(line)) ?? part)
            return nil
        }
    }

    private func inTime<Content: Sendable>(
        _ content: @escaping @Sendable () async throws -> Content
    ) async throws -> Content {
        try await withThrowingTaskGroup(of: Content.self) { [limit] group in
            group.addTask { try await content() }
            group.addTask {
                try await Task.sleep(for: limit)
                throw CommandFailure(.timedOut, "no answer within \(limit)")
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }

    /// Writes all of it to a file that must not exist, for its owner alone; of one that cannot be written whole
    /// nothing is left.
    ///
    /// - Throws: `CommandFailure`.
    func write(to path: String) throws {
        let remedy = "name another with --output"
        let file: DataFile
        do throws(SystemError) {
            file = try DataFile(creating: path)
        } catch {
            throw CommandFailure(.failed, "\(error); \(remedy)")
        }
        do throws(SystemError) {
            try file.write(Array((lines.joined(separator: "\n") + "\n").utf8), at: 0)
            try file.synchronize()
        } catch {
            _ = try? File.remove(path)
            throw CommandFailure(.failed, "\(error); make room there, or \(remedy)")
        }
    }
}
