/// Writes a table of calls, one for every generated method, for a test that makes each against a fake
/// daemon and compares what went over the wire, both ways.
struct MethodTestWriter {
    let methods: [MethodWriter.Method]

    func files() -> [GeneratedFile] {
        var header = Header.text("the methods of Libvirt", importsXDR: false)
        header.line()
        for module in ["LibvirtProtocol", "XDR"] { header.line("import \(module)") }
        header.line()
        header.line("@testable import Libvirt")
        let cases = methods.map(Self.exchange)
        return Chunks.files(named: "MethodCases", header: header, blocks: cases) + [list()]
    }

    /// Every case, in lists that the compiler does not take long for.
    private func list() -> GeneratedFile {
        var text = Header.text("the methods of Libvirt", importsXDR: false)
        let names = methods.map(\.function)
        var lists: [String] = []
        for start in stride(from: 0, to: names.count, by: 40) {
            lists.append("methodCases\(lists.count + 1)")
            text.line()
            text.line("private let methodCases\(lists.count): [MethodCase] = [")
            for name in names[start..<min(start + 40, names.count)] {
                text.line("MethodCase(\"\(name)\", MethodCases.\(name)),", indent: 1)
            }
            text.line("]")
        }
        text.line()
        text.line("/// A call of every generated method.")
        text.call("let methodCases: [MethodCase] = [", lists, "].flatMap { $0 }")
        return GeneratedFile(path: "MethodCaseList.swift", text: text.text)
    }

    private static func exchange(_ method: MethodWriter.Method) -> SourceText {
        let shape = method.shape
        var text = SourceText()
        text.line("extension MethodCases {")
        text.line("static func \(method.function)(_ rig: MethodRig) async throws {", indent: 1)
        text.line("let connection = rig.connection", indent: 2)
        let isOnConnection = shape.receiver == "Connection"
        if !isOnConnection {
            text.line("let receiver = \(shape.receiver)(connection, rig.next())", indent: 2)
            text.line("let raw = receiver.raw", indent: 2)
        }
        for parameter in shape.parameters {
            let isEnumeration = parameter.type.hasPrefix("vir")
            // Without flags an older procedure would be called.
            let flags = method.older == nil ? "flags" : "someFlags"
            let maker = isEnumeration ? parameter.fallback == nil ? "value" : flags : "next"
            let name = SwiftNames.escaped(parameter.label)
            text.line("let \(name): \(parameter.type) = rig.\(maker)()", indent: 2)
        }
        if let result = method.procedure.result {
            let fields = method.answer.map { "\(SwiftNames.escaped($0.name)): rig.next()" }
            text.call("let result = \(result)(", fields, ")", indent: 2)
        } else {
            text.line("let result = XDRVoid()", indent: 2)
        }
        let name = "\(method.program.namespace).\(SwiftNames.escaped(method.procedure.name))"
        let kept = shape.results.isEmpty ? "(received, _)" : "(received, returned)"
        text.line("let \(kept) = try await rig.exchange(\(name), result) {", indent: 2)
        let arguments = shape.parameters.enumerated().map { index, parameter in
            let value = SwiftNames.escaped(parameter.label)
            return MethodWriter.isSaid(parameter, isFirst: index == 0, shape)
                ? value : "\(value): \(value)"
        }
        let receiver = isOnConnection ? "connection" : "receiver"
        text.call(
            "try await \(receiver).\(SwiftNames.escaped(shape.name))(", arguments, ")", indent: 3)
        text.line("}", indent: 2)
        text.append(comparisons(method))
        text.line("}", indent: 1)
        text.line("}")
        return text
    }

    private static func comparisons(_ method: MethodWriter.Method) -> SourceText {
        let shape = method.shape
        var text = SourceText()
        if let type = method.procedure.arguments {
            // What a method of the connection's calls by its bare name.
            let fields = shape.arguments.map {
                // What throws for parameters that are too long does not belong into an expectation.
                let value = $0.value.replacing("| stringP", with: "| connection.stringP")
                    .replacing("params.raw", with: "params.xdr")
                return "\(SwiftNames.escaped($0.field)): \(value)"
            }
            text.call("let expected = \(type)(", fields, ")", indent: 2)
        } else {
            text.line("let expected = XDRVoid()", indent: 2)
        }
        text.line("rig.compare(received, expected)", indent: 2)
        for value in shape.results {
            let decoded = value.decoded("result.\(SwiftNames.escaped(value.field))")
                .replacing("(self, ", with: "(connection, ")
            let part = shape.results.count == 1 ? "returned" : "returned.\(value.label)"
            text.line(
                "rig.compare(\(part), \(decoded)\(shape.isTruth ? " != 0" : ""))", indent: 2)
        }
        return text
    }
}
