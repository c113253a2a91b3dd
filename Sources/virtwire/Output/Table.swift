/// Rows of text in columns that line up.
struct Table {
    private let header: [String]
    private var rows: [[String]] = []

    init(_ header: String...) { self.header = header }

    mutating func add(_ cells: String...) {
        precondition(cells.count == header.count, "a row has as many cells as there are columns")
        // A line break within a cell would be taken for another row.
        rows.append(cells.map { $0.isEmpty ? "-" : $0.replacing(#/\s+/#, with: " ") })
    }

    /// The lines, header first. Columns of numbers stand to the right, the last column is not filled up.
    var lines: [String] {
        let all = [header] + rows
        let columns = header.indices.map { column in
            (
                width: all.map { $0[column].count }.max() ?? 0,
                isNumeric: !rows.isEmpty
                    && rows.allSatisfy { Double($0[column]) != nil || $0[column] == "-" }
            )
        }
        return all.map { row in
            let cells = row.enumerated().map { index, cell in
                let fill = String(repeating: " ", count: columns[index].width - cell.count)
                if columns[index].isNumeric { return fill + cell }
                return index == row.count - 1 ? cell : cell + fill
            }
            return cells.joined(separator: "  ")
        }
    }
}
