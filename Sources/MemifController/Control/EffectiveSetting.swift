internal import LibvirtRPC

/// A setting as it holds, and where its value is from.
public struct EffectiveSetting: Sendable, Hashable, Encodable {
    /// Its key in the file, such as `policy.default.ports`.
    public var name: String
    /// Its value, as it is written in the file; empty where there is none.
    public var value: String
    /// The flag, variable, or file and key that the value is from; `default` where nobody has set it.
    public var origin: String

    /// Makes one.
    public init(_ name: String, _ value: String, origin: String) {
        self.name = name
        self.value = value
        self.origin = origin
    }

    /// The origin of a value that nobody has set.
    public static let unset = "default"

    /// The most characters of a column.
    private static let widest = 48

    /// All of them for people: keys, values and origins below each other.
    package static func lines(_ settings: [EffectiveSetting]) -> [String] {
        let rows =
            [["SETTING", "VALUE", "FROM"]]
            + settings.map { setting in
                let value = setting.value.isEmpty ? "-" : setting.value
                return [setting.name, value, setting.origin].map { $0.printable(longest: 4096) }
            }
        // A list of hundreds of names has no other line padded to its length.
        let widths = (0..<2).map { column in
            rows.map { $0[column].count }.filter { $0 <= widest }.max() ?? 0
        }
        return rows.map { row in
            let cells = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: max(0, width - cell.count) + 2)
            }
            return cells.joined() + row[2]
        }
    }
}
