internal import MemifController

/// Figures in the text format that Prometheus reads, version 0.0.4.
struct MetricsText {
    /// What a figure is.
    enum Kind: String {
        case counter, gauge, histogram
    }

    private(set) var text = ""

    /// Begins a family; its samples follow.
    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP virtwired_\(name) \(help)\n# TYPE virtwired_\(name) \(kind.rawValue)\n"
    }

    /// One figure, with labels.
    mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Double) {
        line(name, Self.spelled(labels), Self.spelled(value))
    }

    mutating func line(_ name: String, _ labels: String, _ value: String) {
        text += "virtwired_"
        text += name
        text += labels
        text += " "
        text += value
        text += "\n"
    }

    static func spelled(_ labels: [(String, String)]) -> String {
        if labels.isEmpty { return "" }
        let pairs = labels.map { "\($0.0)=\"\(escaped($0.1))\"" }
        return "{\(pairs.joined(separator: ","))}"
    }

    /// A family of a single figure.
    mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: Double) {
        family(name, kind, help)
        sample(name, [], value)
    }

    /// A family of durations.
    mutating func histogram(_ name: String, _ help: String, _ durations: DurationHistogram) {
        family(name, .histogram, help)
        var sum: UInt64 = 0
        for (index, count) in durations.counts.enumerated() {
            sum += count
            let isLast = index == DurationHistogram.bounds.count
            let bound = isLast ? "+Inf" : Self.spelled(DurationHistogram.bounds[index])
            sample("\(name)_bucket", [("le", bound)], Double(sum))
        }
        sample("\(name)_sum", [], durations.sum)
        sample("\(name)_count", [], Double(sum))
    }

    private static func spelled(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
    }

    /// Names of domains are anybody's words: none may end a label or a line.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
