internal import ArgumentParser
internal import Foundation
internal import MemifController
internal import VirtwireProtocol
internal import XDR

struct SupportBundleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "support-bundle",
        abstract: "Put all that helps to find a fault into one file.",
        discussion: """
            One line of JSON for each part: the host, the daemon's version, settings, status, counters, \
            plan and metrics, what doctor finds, how libvirt is reached and its domains' states, and the \
            ends of the audit log and of the daemon's log where they are files. What cannot be had is \
            named with the reason, and is no failure. No secret and no domain's XML is in it; names of \
            domains, ports, users and paths are. Only its owner can read the file. To be run as root: \
            others are refused the settings and the logs.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var daemon: DaemonOptions

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The file to make; it must not exist.",
            discussion: "Without it virtwire-support-TIME.jsonl, here.", valueName: "file"))
    var output: String?

    func run() async throws {
        let daemon = daemon
        let path = output ?? Self.usualPath
        var bundle = try SupportBundle(creating: path)
        await bundle.add("host") { HostFacts() }
        let settings = await bundle.add("settings") { try await daemon.settings() }
        let status = await bundle.add("status") { try await daemon.status() }
        await bundle.add("statistics") {
            StatisticsRecord(
                try await daemon.call(Virtwire.STATISTICS, virtwire_statistics_args(vm: "")))
        }
        await bundle.add("plan") { try await daemon.plan() }
        await bundle.add("metrics") {
            let text = try await daemon.call(Virtwire.METRICS, XDRVoid()).text.text
            return text.split(separator: "\n").map(String.init)
        }
        // Its libvirt, unless another is named.
        let uri = connection.connect ?? status?.libvirt.uri
        await bundle.add("libvirt") { try await LibvirtFacts(uri) }
        let doctor = try doctor(uri, settings)
        await bundle.add("doctor") { try await doctor.examine() }
        await bundle.add("audit") { try Self.audit(settings) }
        let socket = daemon.runtimeDirectory + "/control-ro.sock"
        await bundle.add("log") { try FileTail(logOfDaemonAt: socket) }
        try bundle.finish()
        try StandardOutput.line(path)
        for part in bundle.missing { StandardOutput.say("not in it: \(part)") }
    }

    /// A name that no other bundle has.
    private static var usualPath: String {
        let time = Moment.text().prefix(19).filter { $0 != ":" }
        return "virtwire-support-\(time).jsonl"
    }

    /// An examination of the same daemon and libvirt.
    private func doctor(
        _ uri: String?, _ settings: [EffectiveSetting]?
    ) throws -> DoctorCommand {
        var doctor = try DoctorCommand.parse([])
        doctor.connection.connect = uri
        doctor.daemon = daemon
        if let directory = settings?.first(where: { $0.name == "secrets-directory" })?.value {
            doctor.secretsDirectory = directory
        }
        return doctor
    }

    private static func audit(_ settings: [EffectiveSetting]?) throws -> FileTail {
        guard let settings else {
            throw CommandFailure(.failed, "where it is stands in the settings, which are missing")
        }
        guard let path = settings.first(where: { $0.name == "audit-log" })?.value, !path.isEmpty
        else {
            throw CommandFailure(
                .failed, "the daemon keeps no file of it; its log has the lines (audit-log)")
        }
        return try FileTail(path)
    }
}
