internal import ArgumentParser
internal import VirtwireProtocol
internal import XDR

/// What is asked of a port, as `name=value` of the metadata's attributes.
struct PortDeclarationOptions: ParsableArguments {
    @Argument(help: "The port's name.")
    var port: String

    @Argument(help: "Attributes as the metadata has them: queues=2 group=vpp.")
    var attributes: [String] = []

    @Option(name: .customLong("for"), help: "Seconds that the port is to stand.")
    var lifetime: Double?

    func validate() throws {
        for attribute in attributes where !attribute.dropFirst().contains("=") {
            throw ValidationError("'\(attribute)' is no attribute: write one such as queues=2")
        }
        try TimeLimit.check(lifetime, "--for")
    }

    /// As it goes to the daemon.
    var wire: [virtwire_attribute] {
        let name = virtwire_attribute(name: "name", value: XDRString(port))
        return [name]
            + attributes.map { attribute in
                let parts = attribute.split(
                    separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return virtwire_attribute(
                    name: XDRString(String(parts[0])), value: XDRString(String(parts[1])))
            }
    }

    /// 0 where none is given.
    var milliseconds: UInt64 { lifetime.map { UInt64(max($0 * 1000, 1)) } ?? 0 }
}

struct MemifAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Adds a port to what a domain declares itself.",
        discussion: """
            The port stands as long as the domain is defined, over restarts of domain and daemon, or \
            for the time given. To add it again with other attributes changes it.
            """)

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The domain's name or UUID.")
    var vm: String

    @OptionGroup var declaration: PortDeclarationOptions

    func run() async throws {
        let added = try await daemon.call(
            Virtwire.PORT_ADD,
            virtwire_port_add_args(
                vm: XDRString(vm), declaration: declaration.wire,
                lifetime_ms: declaration.milliseconds),
            for: .administering)
        let port = PortState(added.port)
        try output.write(port, as: DaemonStatus.table(of: [port]))
    }
}

struct MemifPrepareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prepare",
        abstract: "Makes a port's socket ready before its domain is defined.",
        discussion: "The port waits for its domain for the time of --for, which is needed.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The UUID that the domain will have.")
    var uuid: String

    @Argument(help: "The name that the domain will have: the host's policy goes by names.")
    var vm: String

    @OptionGroup var declaration: PortDeclarationOptions

    func validate() throws {
        guard declaration.lifetime != nil else {
            throw ValidationError("--for is needed: for how long the port is to wait")
        }
        guard [UInt8](uuidText: uuid) != nil else {
            throw ValidationError("'\(uuid)' is no UUID")
        }
    }

    func run() async throws {
        let bytes = [UInt8](uuidText: uuid) ?? []
        let prepared = try await daemon.call(
            Virtwire.PREPARE,
            virtwire_prepare_args(
                vm_uuid: virtwire_uuid(bytes) ?? virtwire_uuid(), vm_name: XDRString(vm),
                declaration: declaration.wire, lifetime_ms: declaration.milliseconds),
            for: .administering)
        let port = PortState(prepared.port)
        try output.write(port, as: DaemonStatus.table(of: [port]))
    }
}

struct MemifRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Removes a port that was added or prepared.")

    @OptionGroup var daemon: DaemonOptions

    @Argument(help: "The domain's name or UUID.")
    var vm: String

    @Argument(help: "The port's name.")
    var port: String

    func run() async throws {
        _ = try await daemon.call(
            Virtwire.PORT_REMOVE,
            virtwire_port_remove_args(vm: XDRString(vm), name: XDRString(port)),
            for: .administering)
    }
}

extension [UInt8] {
    /// Reads a UUID as it is written (RFC 9562, section 4); nil for anything else.
    init?(uuidText text: String) {
        let groups = text.split(separator: "-", omittingEmptySubsequences: false)
        let digits = groups.joined()
        guard groups.map(\.count) == [8, 4, 4, 4, 12], digits.allSatisfy(\.isHexDigit),
            digits.utf8.count == 32
        else { return nil }
        self = digits.compactMap(\.hexDigitValue).map { UInt8($0) }.pairs
    }

    /// Half as many bytes, of two half bytes each.
    private var pairs: [UInt8] {
        stride(from: 0, to: count - 1, by: 2).map { self[$0] << 4 | self[$0 + 1] }
    }
}
