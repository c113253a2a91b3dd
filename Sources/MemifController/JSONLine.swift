internal import Foundation

/// Objects as they are written out, one a line.
package enum JSONLine {
    /// An object on one line, its keys in order.
    package static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
