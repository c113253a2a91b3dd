import Foundation
import Libvirt
import LibvirtTesting
import Testing

@Suite("Every generated method, over a wire", .timeLimit(.minutes(2)))
struct MethodTableTests {
    @Test("arguments arrive as they were given, and results return as they were sent")
    func exchanges() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            for isEmpty in [false, true] {
                for method in methodCases {
                    let rig = MethodRig(daemon, connection, method.function, isEmpty: isEmpty)
                    do {
                        try await method.run(rig)
                    } catch {
                        Issue.record("\(method.function): \(error)")
                    }
                    #expect(rig.comparisons > 0, "\(method.function)")
                }
            }
            await connection.close()
        }
    }

    @Test("the table has a case for each method that there is") func complete() throws {
        let tests = URL(filePath: #filePath).deletingLastPathComponent()
        let folder = tests.appending(path: "../../../Sources/Libvirt/Generated").standardized
        var count = 0
        for file in try FileManager.default.contentsOfDirectory(
            at: folder, includingPropertiesForKeys: nil)
        {
            let text = try String(contentsOf: file, encoding: .utf8)
            count += text.matches(of: #/\n    public func /#).count
        }
        #expect(count > 250)
        #expect(methodCases.count == count)
        #expect(Set(methodCases.map(\.function)).count == count)
    }
}
