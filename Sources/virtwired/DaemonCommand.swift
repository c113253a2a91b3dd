internal import ArgumentParser
internal import Foundation
internal import Libvirt
internal import Logging
internal import MemifController

/// The daemon's command line.
struct DaemonCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "virtwired",
        abstract: "Gives every libvirt domain the memif sockets that its metadata asks for.",
        discussion: """
            Serves until SIGTERM or SIGINT; then peers are told, sockets are removed, and records \
            stay for the next start. It is ready when RUNTIME-DIRECTORY/control.sock answers, which \
            does not wait for libvirt: without a connection the daemon keeps trying, and changes \
            nothing. Ends with 0 after a signal, 1 when it cannot run, 2 for a command line that \
            makes no sense.
            """,
        version: Daemon.version)

    @Option(
        name: [.customShort("c"), .customLong("connect")],
        help: ArgumentHelp(
            "The libvirt daemon's URI.",
            discussion: "Without it LIBVIRT_DEFAULT_URI, else qemu:///system.", valueName: "uri"))
    var connect: String?

    @Option(help: ArgumentHelp("Where sockets stand.", valueName: "directory"))
    var runtimeDirectory = HostConfiguration().runtimeDirectory

    @Option(help: ArgumentHelp("Where records are kept over restarts.", valueName: "directory"))
    var stateDirectory = HostConfiguration().stateDirectory

    @Option(
        help: ArgumentHelp(
            "Where the secrets are that ports refer to, a file each.", valueName: "directory"))
    var secretsDirectory = HostConfiguration().secretsDirectory

    @Option(help: "The group of sockets whose ports name none.")
    var group = HostConfiguration().group

    @Option(help: "How much to log.")
    var logLevel = LogLevel.info

    @Flag(help: "Say whether the daemon could run like this, and end.")
    var check = false

    /// The URI asked for.
    var uri: String {
        let environment = ProcessInfo.processInfo.environment["LIBVIRT_DEFAULT_URI"] ?? ""
        return connect ?? (environment.isEmpty ? "qemu:///system" : environment)
    }

    /// The host's configuration, as the flags have it.
    var host: HostConfiguration {
        var host = HostConfiguration()
        host.runtimeDirectory = runtimeDirectory
        host.stateDirectory = stateDirectory
        host.secretsDirectory = secretsDirectory
        host.group = group
        return host
    }

    mutating func validate() throws {
        let parsed: LibvirtURI
        do {
            parsed = try LibvirtURI(uri)
        } catch {
            throw ValidationError("\(error)")
        }
        guard parsed.transport == .unix else {
            throw ValidationError(
                "\(uri) is not on this host: the daemon serves the host that it runs on, "
                    + "over a UNIX socket, as with qemu:///system")
        }
    }

    func run() async throws {
        let logger = Self.logger(logLevel.level)
        let problems = host.problems()
        for problem in problems { Self.say("\(problem)") }
        for remark in host.remarks() {
            logger.warning("\(remark.reason)", metadata: ["remedy": "\(remark.remedy)"])
        }
        guard problems.isEmpty else { throw ExitCode(1) }
        if check { return }
        do {
            let backend = try MemifPortBackend(logger: logger)
            let source = LibvirtDomainSource(uri: uri)
            try await Daemon(host, uri: uri, source: source, backend: backend, logger: logger).run()
        } catch {
            Self.say("\(error)")
            throw ExitCode(1)
        }
    }

    /// One line to standard error for each change.
    private static func logger(_ level: Logger.Level) -> Logger {
        var logger = Logger(label: "virtwired") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level
        return logger
    }

    /// Says why the daemon does not run.
    static func say(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data("virtwired: \(text)\n".utf8))
    }
}

/// How much is logged.
enum LogLevel: String, CaseIterable, ExpressibleByArgument {
    case trace, debug, info, notice, warning, error

    var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
}
