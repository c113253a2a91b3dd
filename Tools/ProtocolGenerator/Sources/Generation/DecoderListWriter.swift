/// Writes a list of the decoders of a program's procedures for the fuzz targets, which drive each by its
/// number.
struct DecoderListWriter {
    let name: String
    let module: String
    let namespace: String
    let procedures: [String]

    func file() -> GeneratedFile {
        var text = Header.text("the procedures of \(namespace)", importsXDR: false)
        text.line()
        text.line("import \(module)")
        // Small lists: the compiler's time for one grows faster than its length.
        var lists: [String] = []
        for start in stride(from: 0, to: procedures.count, by: 40) {
            let list = "\(name)Decoders\(start / 40 + 1)"
            lists.append(list)
            text.line()
            text.line("let \(list): [ProcedureDecoders] = [")
            for procedure in procedures[start..<min(start + 40, procedures.count)] {
                let constant = "\(namespace).\(SwiftNames.escaped(procedure))"
                text.line("ProcedureDecoders(\(constant)),", indent: 1)
            }
            text.line("]")
        }
        text.line()
        text.line("/// The decoders of every procedure of `\(namespace)`.")
        text.call("let \(name)Decoders: [ProcedureDecoders] = [", lists, "].flatMap { $0 }")
        return GeneratedFile(path: "\(name)Decoders.swift", text: text.text)
    }
}
