internal import ArgumentParser
internal import Libvirt

struct DomainUndefineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undefine", abstract: "Remove a domain's definition; a running one runs on.")

    @OptionGroup var target: DomainOptions

    func run() async throws { try await target.withDomain { try await $0.undefine() } }
}

struct DomainStartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Start a domain that is defined.")

    @OptionGroup var target: DomainOptions

    func run() async throws { try await target.withDomain { _ = try await $0.create() } }
}

struct DomainShutdownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shutdown", abstract: "Ask a domain's guest to shut down.")

    @OptionGroup var target: DomainOptions

    func run() async throws { try await target.withDomain { try await $0.shutdown() } }
}

struct DomainDestroyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destroy", abstract: "End a domain at once, as if its power were cut.")

    @OptionGroup var target: DomainOptions

    func run() async throws { try await target.withDomain { try await $0.destroy() } }
}

struct DomainRebootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reboot", abstract: "Ask a domain's guest to reboot.")

    @OptionGroup var target: DomainOptions

    func run() async throws { try await target.withDomain { try await $0.reboot() } }
}

struct DomainSuspendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suspend", abstract: "Stop a domain's processors.")

    @OptionGroup var target: DomainOptions

    func run() async throws { try await target.withDomain { try await $0.suspend() } }
}

struct DomainResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let a suspended domain go on.")

    @OptionGroup var target: DomainOptions

    func run() async throws { try await target.withDomain { try await $0.resume() } }
}
