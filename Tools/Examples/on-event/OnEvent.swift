internal import ArgumentParser
internal import ExampleSupport
internal import Libvirt
internal import LibvirtProtocol

@main
struct OnEvent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "on-event",
        abstract: "Run a command for everything that happens to domains.",
        discussion: """
            The command finds in its environment VIRT_KIND (lifecycle, reboot, ...), VIRT_DOMAIN, \
            VIRT_UUID and, for lifecycle, VIRT_EVENT (started, stopped, ...). VIRT_KIND is 'gap' when a \
            connection stands, the first included, and when events may be lost: it should then look \
            at everything. One command runs at a time, in the order of the events.
            """)

    static func main() async { await Example.run(Self.self) }

    @OptionGroup var connection: ConnectionOptions

    @Option(help: "Only domains whose names are like this shell's pattern.")
    var domain = "*"

    @Option(help: "A kind of event; again for more.")
    var kind: [String] = ["lifecycle"]

    @Option(help: "End after so many events.")
    var count: Int?

    @Argument(parsing: .postTerminator, help: "The command and its arguments, behind --.")
    var command: [String]

    private static let kinds = Dictionary(
        uniqueKeysWithValues: virDomainEventID.allCases.map {
            ($0.word("VIR_DOMAIN_EVENT_ID_"), $0)
        })

    func validate() throws {
        if command.isEmpty { throw ValidationError("name a command behind --") }
        if let count, count < 1 { throw ValidationError("--count is 1 or more") }
        for name in kind where Self.kinds[name] == nil {
            throw ValidationError(
                "no kind of event '\(name)': there are "
                    + Self.kinds.keys.sorted().joined(separator: ", "))
        }
    }

    func run() async throws {
        let supervised = SupervisedConnection(
            connection.uri, readOnly: true,
            kinds: Set(kind.compactMap { Self.kinds[$0] }))
        let runner = try CommandRunner(command)
        let (enough, end) = AsyncStream.makeStream(of: Void.self)
        let counter = Counter(left: count)
        let pattern = domain
        // Ends when there are enough events, or when this task is cancelled.
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await supervised.run { notice in
                    guard await runner.react(to: notice, of: pattern) else { return }
                    if counter.isLast() { end.finish() }
                }
                end.finish()
            }
            for await _ in enough {}
            group.cancelAll()
        }
    }
}
