internal import ArgumentParser
internal import Glibc
internal import LibvirtRPC
internal import LinuxIO
internal import VirtwireProtocol
internal import XDR

struct MemifOpenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open",
        abstract: "Runs a program with a channel that is connected to a port.",
        discussion: """
            For a program that may not open the port's socket. It has the channel as descriptor 3, over \
            which it is a memif slave, and has to begin within five seconds. LISTEN_FDS and its like tell \
            of the descriptor as a service manager does; VIRTWIRE_MEMIF_ID and VIRTWIRE_MEMIF_MODE tell \
            what to ask for, and VIRTWIRE_MEMIF_SECRET is 'needed' or 'none'. The other commands of \
            virtwire memif take the channel with --role slave --socket fd:3. The program runs in this \
            one's place: the port sees it as its peer, and its exit code is what the caller gets.
            """)

    @OptionGroup var daemon: DaemonOptions

    @Argument(help: "The domain's name or UUID.")
    var vm: String

    @Argument(help: "The port's name.")
    var port: String

    @Argument(
        parsing: .postTerminator,
        help: ArgumentHelp("The program and its arguments, after --.", valueName: "command"))
    var command: [String] = []

    func validate() throws {
        if command.first?.isEmpty ?? true {
            throw ValidationError("say what to run with the channel: … \(port) -- COMMAND")
        }
    }

    func run() async throws {
        let (port, channel) = try await open()
        let variables = [
            PassedChannel.idVariable: "\(port.id)", PassedChannel.modeVariable: port.mode.text,
            PassedChannel.secretVariable: port.needs_secret ? "needed" : "none",
        ]
        do throws(SystemError) {
            try ProcessImage.become(
                command, variables: variables,
                passing: StoredDescriptors(names: ["memif"], descriptors: channel.takeAll()))
        } catch {
            throw CommandFailure(
                error.code == ENOENT ? .notFound : .failed,
                "\(error); name a program that is on the PATH, or its path")
        }
    }

    private func open() async throws -> (virtwire_open_ret, PassedDescriptors) {
        try await daemon.withLink(for: .administering) { link in
            let arguments = virtwire_open_args(vm: XDRString(vm), name: XDRString(port))
            do {
                let opened = try await link.callReturningDescriptors(
                    Virtwire.OPEN, arguments, deadline: .now + DaemonOptions.patience)
                guard let channel = opened.descriptors, channel.count == 1 else {
                    throw CommandFailure(
                        .failed, "the daemon has sent no channel: look at its log")
                }
                return (opened.result, channel)
            } catch let error as RPCError {
                throw CommandFailure(error)
            }
        }
    }
}
