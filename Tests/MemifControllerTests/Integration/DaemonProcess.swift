import Foundation
import LinuxIO
import MemifTesting
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

/// The built `virtwired`, as a process.
struct DaemonProcess {
    let process: ChildProcess
    /// Held, for it goes with its last owner.
    let scratch: Scratch
    let layout: RuntimeLayout

    /// The program, beside the tests' own.
    static var program: String {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: own).deletingLastPathComponent().path + "/virtwired"
    }

    /// - Parameter uri: of the libvirt daemon; nil: of the scratch directory's own test driver.
    static func flags(_ scratch: Scratch, uri: String? = nil) -> [String] {
        [
            "--connect", uri ?? PrivateLibvirtd.uri(in: scratch), "--runtime-directory",
            "\(scratch.path)/run", "--state-directory", "\(scratch.path)/state",
        ]
    }

    /// Starts it and waits until it is ready.
    ///
    /// - Parameters:
    ///   - wrapper: a program with arguments that becomes the daemon, such as prlimit.
    ///   - more: flags besides the usual ones.
    init(
        in scratch: Scratch, under wrapper: [String] = [], _ more: [String] = []
    ) async throws {
        self.scratch = scratch
        layout = RuntimeLayout(scratch.configuration)
        process = try await ChildProcess(wrapper + [Self.program] + Self.flags(scratch) + more)
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

    /// One line of its status.
    func port(_ name: String, vm: VMIdentifier = Sample.vm(1)) async -> virtwire_port? {
        try? await RealDaemon.status(layout).ports.first {
            $0.vm_uuid.bytes == vm.bytes && $0.name.text == name
        }
    }

    /// The processor time that it has used, in hundredths of a second.
    var ticks: Int {
        let text = (try? File.read("/proc/\(process.processID)/stat", limit: 4096)) ?? []
        let fields = String(decoding: text, as: UTF8.self).split(separator: " ")
        // Neither "virtwired" nor what stands before it in the line has a space.
        return fields[13...14].compactMap { Int($0) }.reduce(0, +)
    }

    /// How many descriptors it has open.
    var descriptorCount: Int {
        (try? Directory.entries(of: "/proc/\(process.processID)/fd").count) ?? 0
    }

    /// Kilobytes of memory that it has resident.
    var residentKilobytes: Int {
        let text = (try? File.read("/proc/\(process.processID)/status", limit: 8192)) ?? []
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        let line = lines.first { $0.hasPrefix("VmRSS:") }
        return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
    }

    func stands(_ ports: Set<String>, vm: VMIdentifier = Sample.vm(1)) -> Bool {
        RealDaemon.stands(layout, ports, vm)
    }
}
