internal import LinuxIO
internal import MemifController

/// What is known of a host and its daemon, a line of JSON for each part; a part that cannot be had is a line that
/// says why.
///
/// Each line is in the file once its part is there: of a bundle that is broken off all before that is.
struct SupportBundle: ~Copyable {
    private struct Line<Content: Encodable>: Encodable {
        var part: String
        var content: Content?
        var missing: String?
    }

    private let file: DataFile
    /// How long a part may take: what hangs is what bundles are made of.
    private let limit: Duration
    private var byteCount: Int64 = 0
    /// Why the file is not whole.
    private var failure: SystemError?
    /// The parts that are not in it, each with the reason.
    private(set) var missing: [String] = []

    private static let remedy = "name another with --output"

    /// Makes the file, for its owner alone; it must not exist.
    ///
    /// - Throws: `CommandFailure`.
    init(creating path: String, limit: Duration = .seconds(60)) throws {
        do throws(SystemError) {
            file = try DataFile(creating: path)
        } catch {
            throw CommandFailure(.failed, "\(error); \(Self.remedy)")
        }
        self.limit = limit
    }

    /// Adds a part, or why it is missing.
    ///
    /// - Returns: the part; nil when it is missing.
    @discardableResult
    mutating func add<Content: Encodable & Sendable>(
        _ part: String, _ content: @escaping @Sendable () async throws -> Content
    ) async -> Content? {
        do {
            let found = try await Self.inTime(limit, content)
            write(try JSONLine.text(Line(part: part, content: found)))
            return found
        } catch {
            let reason = (error as? CommandFailure)?.message ?? "\(error)"
            missing.append("\(part): \(reason)")
            let line = Line<String>(part: part, missing: reason)
            write((try? JSONLine.text(line)) ?? part)
            return nil
        }
    }

    /// Not by a group of tasks, which waits for all of them: what looks at a file on a disk that hangs hears of no
    /// end.
    private static func inTime<Content: Sendable>(
        _ limit: Duration, _ content: @escaping @Sendable () async throws -> Content
    ) async throws -> Content {
        let (answers, answer) = AsyncThrowingStream.makeStream(of: Content.self)
        let work = Task(executorPreference: WaitingThreads.shared) {
            do {
                answer.yield(try await content())
                answer.finish()
            } catch {
                answer.finish(throwing: error)
            }
        }
        let clock = Task {
            try await Task.sleep(for: limit)
            answer.finish(throwing: CommandFailure(.timedOut, "no answer within \(limit)"))
        }
        defer {
            work.cancel()
            clock.cancel()
        }
        for try await found in answers { return found }
        throw CancellationError()
    }

    private mutating func write(_ line: String) {
        guard failure == nil else { return }
        let bytes = Array("\(line)\n".utf8)
        do throws(SystemError) {
            try file.write(bytes, at: byteCount)
            byteCount += Int64(bytes.count)
        } catch {
            failure = error
        }
    }

    /// Has all of it on the disk; of one that cannot be written whole nothing is left.
    ///
    /// - Throws: `CommandFailure`.
    func finish() throws {
        do throws(SystemError) {
            if let failure { throw failure }
            try file.synchronize()
        } catch {
            _ = try? File.remove(file.path)
            throw CommandFailure(.failed, "\(error); make room there, or \(Self.remedy)")
        }
    }
}
