import Foundation

/// The checked-in model: one JSON file for each protocol, one for the API.
struct ModelDirectory {
    var url: URL

    /// - Throws: what reading the file or decoding it throws.
    func protocolModel(_ name: String) throws -> ProtocolModel {
        try JSONDecoder().decode(ProtocolModel.self, from: Data(contentsOf: file(name)))
    }

    /// - Throws: what reading the file or decoding it throws.
    func apiModel() throws -> APIModel {
        try JSONDecoder().decode(APIModel.self, from: Data(contentsOf: file("api")))
    }

    /// - Throws: what writing the file throws.
    func write(_ model: ProtocolModel) throws {
        try write(model, named: model.name)
    }

    /// - Throws: what writing the file throws.
    func write(_ model: APIModel) throws {
        try write(model, named: "api")
    }

    private func write(_ model: some Encodable, named name: String) throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        try Self.encode(model).write(to: file(name))
    }

    private func file(_ name: String) -> URL { url.appending(path: "\(name).json") }

    private static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        var data = try encoder.encode(value)
        data.append(UInt8(ascii: "\n"))
        return data
    }
}
