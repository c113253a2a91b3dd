/// Writes a list of a protocol's types for the tests, which try every one of them.
struct TypeListWriter {
    let name: String
    let module: String
    let definitions: [Definition]

    func files() -> [GeneratedFile] {
        let types = definitions.compactMap { definition -> String? in
            switch definition.body {
            case .structure, .union, .enumeration: definition.name
            case .constant, .alias: nil
            }
        }
        var text = Header.text("the types of \(module)", importsXDR: false)
        text.line()
        text.line("import \(module)")
        // Small lists: the compiler's time for one grows faster than its length.
        for start in stride(from: 0, to: types.count, by: 40) {
            let part = types[start..<min(start + 40, types.count)]
            text.line()
            text.line("let \(name)Types\(start / 40 + 1): [any WireType.Type] = [")
            for type in part { text.line("\(type).self,", indent: 1) }
            text.line("]")
        }
        let lists = stride(from: 0, to: types.count, by: 40).map { "\(name)Types\($0 / 40 + 1)" }
        text.line()
        text.line("/// Every type of the protocol `\(name)`.")
        text.call("let \(name)Types: [any WireType.Type] = [", lists, "].flatMap { $0 }")
        return [GeneratedFile(path: "\(name)Types.swift", text: text.text)]
    }
}
