import Foundation
import Testing

@testable import ProtocolGenerator

/// Where every function of libvirt's that has a procedure is to be found in `Libvirt`.
@Suite("Coverage of libvirt's functions")
struct CoverageTests {
    /// Functions without a method, by what they wait for. No function may be added here that has had
    /// a method before.
    private static let missing: [String: Set<String>] = [
        "streams": [
            "virDomainOpenConsole", "virDomainOpenChannel", "virDomainScreenshot",
            "virStorageVolUpload", "virStorageVolDownload",
        ],
        "passing descriptors from the human API": [
            "virDomainOpenGraphics", "virDomainOpenGraphicsFD", "virDomainCreateWithFiles",
            "virDomainCreateXMLWithFiles", "virDomainFDAssociate",
            "virDomainQemuMonitorCommandWithFiles", "virDomainLxcOpenNamespace",
        ],
        // `domainEvents` registers and deregisters by itself.
        "no need: events are sequences": [
            "virConnectDomainEventRegister", "virConnectDomainEventDeregister",
        ],
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

    @Test("every function with a procedure is a method, or stands in a short list with a reason")
    func functions() throws {
        let named = try named()
        let excused = Self.missing.values.reduce(into: Set<String>()) { $0.formUnion($1) }
        var functions: Set<String> = []
        for model in ["remote", "qemu", "lxc", "admin"] {
            let procedures = try directories.model.protocolModel(model).procedures
            functions.formUnion(procedures.filter { $0.kind == .call }.compactMap(\.function))
        }
        #expect(functions.count > 400)
        let older = Set(HandWritten.superseded.keys)
        let lost = functions.subtracting(named).subtracting(excused).subtracting(older)
        #expect(lost.sorted() == [])
        // The list of excuses shrinks as methods come.
        #expect(excused.intersection(named).sorted() == [])
        #expect(excused.subtracting(functions).sorted() == [])
    }

    @Test("what stands in for an older function is there")
    func successors() throws {
        let named = try named()
        #expect(Set(HandWritten.superseded.values).subtracting(named).sorted() == [])
    }
}
