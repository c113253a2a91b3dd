import Foundation
import LinuxIO
import MemifTesting
import Testing

@testable import MemifController

/// The built `virtwired`, as a process.
struct DaemonProcess {
    let process: ChildProcess
    let layout: RuntimeLayout

    /// The program, beside the tests' own.
    static var program: String {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: own).deletingLastPathComponent().path + "/virtwired"
    }

    static func flags(_ scratch: Scratch) -> [String] {
        [
            "--connect", PrivateLibvirtd.uri(in: scratch), "--runtime-directory",
            "\(scratch.path)/run", "--state-directory", "\(scratch.path)/state",
        ]
    }

    /// Starts it and waits until it is ready.
    init(in scratch: Scratch) async throws {
        layout = RuntimeLayout(scratch.configuration)
        process = try await ChildProcess([Self.program] + Self.flags(scratch))
        let layout = layout
        let isReady = await eventually { (try? await RealDaemon.status(layout)) != nil }
        try #require(isReady, "\(process.output)")
    }

    /// Runs it with other flags to its end.
    ///
    /// - Returns: its exit status and what it said.
    static func run(_ arguments: [String]) async throws -> (status: Int32?, output: String) {
        let process = try await ChildProcess(arguments)
        let status = await process.waitForEnd()
        return (status.map { $0 >> 8 }, process.output)
    }

    func stands(_ ports: Set<String>, vm: VMIdentifier = Sample.vm(1)) -> Bool {
        RealDaemon.stands(layout, ports, vm)
    }
}
