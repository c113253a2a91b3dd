internal import ArgumentParser

/// How a command writes what it found.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
    /// For people.
    case table
    /// For programs: one object, or one object a line where the output is a stream.
    case json

    /// Writes one line of a stream: an object, or text.
    func line(_ object: some Encodable, _ text: @autoclosure () -> String) throws {
        switch self {
        case .table: try StandardOutput.line(text())
        case .json: try StandardOutput.json(object)
        }
    }
}

struct OutputOptions: ParsableArguments {
    @Option(help: "How to write what was found.")
    var format: OutputFormat = .table

    /// Writes one object, or the rows of a table.
    func write(_ object: some Encodable, as table: @autoclosure () -> Table) throws {
        switch format {
        case .table: for line in table().lines { try StandardOutput.line(line) }
        case .json: try StandardOutput.json(object)
        }
    }
}
