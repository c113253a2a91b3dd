import Foundation
import Testing

@testable import ProtocolGenerator

/// Where every public function of libvirt's is to be found in `Libvirt`, or why it has no place.
///
/// The list of functions is the one that libvirt itself installs; what a newer libvirt has beside
/// them comes from the model.
@Suite("Coverage of libvirt's functions")
struct CoverageTests {
    /// Functions without a counterpart that wait for one. No function may be added here that has had
    /// one before.
    private static let missing: [String: Set<String>] = [:]

    /// Functions that have no place in Swift, as patterns, by the reason.
    private static let needless: [String: String] = [
        "values and references are let go of by themselves": #"vir\w+(Free|Ref|ParamsClear)"#,
        "an object has its connection as a property": #"vir\w+GetConnect"#,
        "identities are values that read and write themselves": #"vir\w+UUIDString"#,
        "errors are thrown":
            #"vir(Conn)?(Get|Reset|Copy|Save|Set|Free|Default)(Last)?Err\w*"#,
        "nothing needs an event loop of the program's": #"virEvent\w+|virStreamEvent\w+"#,
        "there is nothing to start, and no C library with a version":
            "vir(Adm)?(Initialize|GetVersion)",
        "typed parameters are a collection": #"virTypedParams(Add|Get)\w*"#,
        "a stream comes with the call that opens it": "virStreamNew",
        "it changes the calling process, and calls nobody": #"virDomainLxcEnter\w+"#,
    ]

    /// Older functions that one with more to it stands in for, beside those with procedures.
    private static let older = [
        "virDomainCreateLinux": "virDomainCreateXML",
        // Without callback ids: the procedures are typed, and who subscribes at a daemon that has no
        // others, from before 2014, is told that it does not support that.
        "virConnectDomainEventRegister": "virConnectDomainEventRegisterAny",
        "virConnectDomainEventDeregister": "virConnectDomainEventDeregisterAny",
        "virDomainMigrate": "virDomainMigrate3", "virDomainMigrate2": "virDomainMigrate3",
        "virDomainMigrateToURI": "virDomainMigrateToURI3",
        "virDomainMigrateToURI2": "virDomainMigrateToURI3",
        "virStreamRecvFlags": "virStreamRecv", "virStreamRecvAll": "virStreamSparseRecvAll",
        "virStreamSendAll": "virStreamSparseSendAll",
    ]

    /// The functions that the sources of `Libvirt` name as theirs.
    private func named() throws -> Set<String> {
        var names: Set<String> = []
        let folder = directories.generated("Sources/Libvirt")
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        for case let file as URL in files ?? .init() where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            names.formUnion(text.matches(of: #/`(vir\w+)`/#).map { String($0.output.1) })
        }
        return names
    }

    /// What the descriptions of libvirt's public API declare (package libvirt-dev).
    private func installed() throws -> Set<String> {
        var functions: Set<String> = []
        for name in ["libvirt", "libvirt-qemu", "libvirt-lxc", "libvirt-admin"] {
            let file = URL(filePath: "/usr/share/libvirt/api/\(name)-api.xml")
            let description = try APIDescription.parse(
                try Data(contentsOf: file), file: file.lastPathComponent)
            #expect(!description.functions.isEmpty, "\(name)")
            functions.formUnion(description.functions.map(\.name))
        }
        return functions
    }

    /// The functions that the model has procedures for.
    private func modelled() throws -> Set<String> {
        var functions: Set<String> = []
        for model in ["remote", "qemu", "lxc", "admin"] {
            let procedures = try directories.model.protocolModel(model).procedures
            functions.formUnion(procedures.filter { $0.kind == .call }.compactMap(\.function))
        }
        return functions
    }

    private var successors: [String: String] {
        HandWritten.superseded.merging(Self.older) { first, _ in first }
    }

    /// Of these functions, those that a pattern names.
    private func matches(_ functions: Set<String>, _ pattern: String) throws -> Set<String> {
        let regex = try Regex(pattern)
        return functions.filter { $0.wholeMatch(of: regex) != nil }
    }

    private func needless(_ functions: Set<String>) throws -> Set<String> {
        try Self.needless.values.reduce(into: []) { $0.formUnion(try matches(functions, $1)) }
    }

    @Test("every function is there, or it is said why not")
    func functions() throws {
        let functions = try installed().union(modelled())
        #expect(functions.count > 560)
        let waiting = Self.missing.values.reduce(into: Set<String>()) { $0.formUnion($1) }
        let found = try named().union(waiting).union(successors.keys)
        #expect(try functions.subtracting(found).subtracting(needless(functions)).sorted() == [])
    }

    @Test("the excuses are true: nothing excused is there, and nothing unknown is excused")
    func excuses() throws {
        let named = try named()
        let installed = try installed()
        let functions = try installed.union(modelled())
        let waiting = Self.missing.values.reduce(into: Set<String>()) { $0.formUnion($1) }
        // The list shrinks as methods come.
        #expect(waiting.intersection(named).sorted() == [])
        #expect(waiting.subtracting(functions).sorted() == [])
        #expect(Set(successors.values).subtracting(named).sorted() == [])
        for (reason, pattern) in Self.needless {
            #expect(try !matches(installed, pattern).isEmpty, "\(reason)")
        }
        // Nothing that has a procedure is needless: libvirt's own client calls the server for it.
        #expect(try needless(modelled()).subtracting(named).sorted() == [])
    }
}
