import Foundation
import Testing

@testable import ProtocolGenerator

/// Compares the model with a table that was made from libvirt 9.0.0 by other means: each of its 470
/// procedures must be there with the same facts, because libvirt only ever adds.
@Suite("The 470 procedures of libvirt 9.0.0")
struct ProcedureTableTests {
    struct Row: CustomStringConvertible {
        var columns: [String: String]

        subscript(_ name: String) -> String { columns[name] ?? "" }

        var description: String { "\(self["program"]) \(self["name"])" }

        /// Nil for the table's `-`, which stands for nothing.
        func value(_ name: String) -> String? { self[name] == "-" ? nil : self[name] }
    }

    static let rows: [Row] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/procedures-9.0.0.tsv")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        let lines = text.split(separator: "\n").map {
            $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
        guard let header = lines.first else { return [] }
        return lines.dropFirst().map { line in
            Row(columns: Dictionary(uniqueKeysWithValues: zip(header, line)))
        }
    }()

    static let models: [String: ProtocolModel] = {
        let names = ["REMOTE", "QEMU", "LXC", "ADMIN"]
        return Dictionary(
            uniqueKeysWithValues: names.compactMap { name in
                let model = try? directories.model.protocolModel(name.lowercased())
                return model.map { (name, $0) }
            })
    }()

    /// What libvirt itself changed between 9.0.0 and 11.3.0.
    static let changedRights = [
        "NODE_DEVICE_DEFINE_XML": "node_device:write;node_device:save"
    ]

    @Test("the table is whole")
    func count() {
        #expect(Self.rows.count == 470)
        let programs = Dictionary(grouping: Self.rows) { $0["program"] }.mapValues(\.count)
        #expect(programs == ["REMOTE": 443, "QEMU": 7, "LXC": 1, "ADMIN": 19])
    }

    @Test("row by row", arguments: rows)
    func row(_ row: Row) throws {
        let number = try #require(Int(row["number"]))
        let model = try #require(Self.models[row["program"]])
        let procedure = model.procedures[number - 1]
        #expect(Int(procedure.number) == number)
        #expect(procedure.name == row["name"])
        #expect(procedure.kind.rawValue == row["kind"])
        #expect(procedure.generate == row["generate"])
        #expect(procedure.priority.rawValue == row["priority"])
        #expect(procedure.sparseFlag == row.value("sparseflag"))
        #expect(procedure.result == row.value("ret"))
        checkArguments(procedure, row, model)
        checkStream(procedure, row)
        checkRights(procedure, row)
        checkFunction(procedure, row)
    }

    /// The table has no structure for events; theirs is the `_msg` of the same name.
    private func checkArguments(_ procedure: ProcedureModel, _ row: Row, _ model: ProtocolModel) {
        let message = "\(model.name)_\(row["name"].lowercased())_msg"
        #expect(procedure.arguments == (row["kind"] == "event" ? message : row.value("args")))
    }

    /// The table has libvirt's annotations, which the overrides put right.
    private func checkStream(_ procedure: ProcedureModel, _ row: Row) {
        let annotated = row.value("stream").map { String($0.prefix { $0 != ":" }) }
        let override =
            row["program"] == "REMOTE" ? Overrides.streams["remote"]?[row["name"]] : nil
        #expect(procedure.stream?.rawValue == override?.rawValue ?? annotated)
    }

    private func checkRights(_ procedure: ProcedureModel, _ row: Row) {
        let expected = Self.changedRights[row["name"]] ?? row["acl"]
        let rights = procedure.acl.map { $0.isEmpty ? "none" : $0.joined(separator: ";") }
        #expect(rights ?? "" == expected)
        #expect(procedure.aclFilter?.joined(separator: ";") == row.value("aclfilter"))
    }

    private func checkFunction(_ procedure: ProcedureModel, _ row: Row) {
        if let function = Overrides.functions["remote"]?[row["name"]] {
            #expect(procedure.function == function)
        } else {
            #expect(procedure.function == row.value("api_function"))
            #expect(procedure.since == row.value("since"))
        }
    }
}
