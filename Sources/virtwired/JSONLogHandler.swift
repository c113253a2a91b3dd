internal import Foundation
internal import Logging
internal import MemifController

/// Writes each line of the log as one object of JSON: `time` (RFC 3339, UTC), `level`, `message`, and the
/// metadata beside them, such as `vm`, `domain`, `port`, `reason` and `remedy`.
struct JSONLogHandler: LogHandler {
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]
    /// Takes each line, without its end.
    var write: @Sendable (String) -> Void = { line in
        // One write for the whole line: lines of several threads do not mix.
        try? FileHandle.standardError.write(contentsOf: Data("\(line)\n".utf8))
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        var fields: [String: Field] = [
            "time": .text(Moment.text()), "level": .text(event.level.rawValue),
            "message": .text("\(event.message)"),
        ]
        if let error = event.error { fields["error"] = .text("\(error)") }
        // What a line is about never hides when and what it is.
        fields.merge(all.mapValues { Field($0) }) { first, _ in first }
        guard let line = try? JSONLine.text(fields) else { return }
        write(line)
    }

    /// A value of a line's metadata.
    private enum Field: Encodable {
        case text(String)
        case list([Field])
        case object([String: Field])

        init(_ value: Logger.Metadata.Value) {
            switch value {
            case .string(let text): self = .text(text)
            case .stringConvertible(let value): self = .text("\(value)")
            case .array(let values): self = .list(values.map { Field($0) })
            case .dictionary(let values): self = .object(values.mapValues { Field($0) })
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .list(let fields): try container.encode(fields)
            case .object(let fields): try container.encode(fields)
            }
        }
    }
}
