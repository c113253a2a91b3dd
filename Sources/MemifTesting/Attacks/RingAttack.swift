public import Memif

/// One attack through shared memory on a victim that sends back what it receives.
public struct RingAttack: Sendable, CustomStringConvertible {
    /// What the victim does.
    public enum Answer: Hashable, Sendable {
        /// It ends the link, as a violation of the protocol, with a sentence that says this.
        case refusal(String)
        /// The link goes on.
        case link
        /// It may do either: what it sees depends on when it looks.
        case either
    }

    /// What is done.
    public let description: String
    /// What the victim does.
    public let answer: Answer
    /// The roles of victims that it can be done to.
    public let victims: Set<MemifRole>
    /// Does it to the victim at the other end of a link that is up and fresh.
    public let play: @Sendable (HostileEnd) async throws -> Void

    init(
        _ description: String, _ answer: Answer, to victims: Set<MemifRole> = [.master, .slave],
        _ play: @escaping @Sendable (HostileEnd) async throws -> Void
    ) {
        self.description = description
        self.answer = answer
        self.victims = victims
        self.play = play
    }

    /// Those that can be done to a victim of a role.
    public static func all(on victim: MemifRole) -> [RingAttack] {
        (indexes + descriptors + chains + buffers + rewrites + interrupts + races)
            .filter { $0.victims.contains(victim) }
    }
}
