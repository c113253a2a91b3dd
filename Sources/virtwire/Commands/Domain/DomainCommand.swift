internal import ArgumentParser

struct DomainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "domain", abstract: "List, show, define, start and end domains.",
        subcommands: [
            DomainListCommand.self, DomainShowCommand.self, DomainXMLCommand.self,
            DomainDefineCommand.self, DomainUndefineCommand.self, DomainStartCommand.self,
            DomainShutdownCommand.self, DomainDestroyCommand.self, DomainRebootCommand.self,
            DomainSuspendCommand.self, DomainResumeCommand.self,
        ])
}
