import Foundation

@testable import MemifController

/// The operator's articles, but for the guide itself.
enum Guide {
    static let articles = [
        "Installing", "Permissions", "ConnectingPeers", "Troubleshooting", "DeclaringPorts",
    ]
    private static let documentation = URL(fileURLWithPath: #filePath).appendingPathComponent(
        "../../../../Sources/MemifController/Documentation.docc"
    ).standardized
    /// The directory and the domain that stand in the articles' paths.
    private static let place = "/run/virtwire/vm/11111111-2222-3333-4444-555555555555/"

    static func text(_ article: String) throws -> String {
        try String(
            contentsOf: documentation.appendingPathComponent("\(article).md"), encoding: .utf8)
    }

    /// The lines of an article's blocks that are neither settings nor XML; what goes on below goes along.
    static func commands(_ article: String) throws -> [String] {
        var block: Substring?
        var commands: [String] = []
        for line in try text(article).split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                block = block == nil ? line.dropFirst(3) : nil
            } else if block == "" {
                if let last = commands.last, last.hasSuffix("\\") {
                    let rest = String(line.drop { $0 == " " })
                    commands[commands.count - 1] = String(last.dropLast()) + rest
                } else {
                    commands.append(String(line))
                }
            }
        }
        return commands
    }

    /// A command, or a word of it, with the directory of the test's own domain in the place of the articles', and
    /// the file that one writes among the test's own.
    static func here(_ text: String, _ scratch: Scratch) -> String {
        text.replacing(place, with: "\(scratch.path)/run/vm/\(Sample.vm(1))/")
            .replacing("support.jsonl", with: "\(scratch.path)/support.jsonl")
    }
}
