internal import ArgumentParser
internal import Foundation
internal import Libvirt

struct DomainDefineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "define", abstract: "Define a domain from XML, or redefine one.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The file with the XML; - reads standard input.")
    var file: String

    func run() async throws {
        let xml = try read()
        try await connection.withConnection { connection in
            let domain = try await connection.defineDomain(xml: xml)
            try StandardOutput.line("\(domain.uuid)")
        }
    }

    private func read() throws -> String {
        let data: Data?
        if file == "-" {
            data = try FileHandle.standardInput.readToEnd()
        } else {
            guard let content = FileManager.default.contents(atPath: file) else {
                throw CommandFailure(
                    FileManager.default.fileExists(atPath: file) ? .failed : .notFound,
                    "cannot read \(file): give a file with a domain's XML, or - for standard input")
            }
            data = content
        }
        return String(decoding: data ?? Data(), as: UTF8.self)
    }
}
