internal import Synchronization

/// Closes and unmaps what a user of this host has passed to what an event loop serves, on a thread of its
/// own, which lives while there is anything to do.
///
/// Who passes a descriptor decides how long its last close takes: a socket that lingers waits for its
/// peer, a file that a program serves for that program; and the last use of a large memory file ends with
/// all its pages. Neither loop nor worker may wait for that, nor may other users, nor other loops.
public struct Disposal: Hashable, Sendable, CustomStringConvertible {
    private struct Account {
        var waiting: [@Sendable () -> Void] = []
        /// How many wait, or are under way.
        var pending = 0
    }

    /// Those that have something to do, each with its thread.
    private static let accounts = Mutex<[Disposal: Account]>([:])

    private let user: UInt32?
    private let loop: ObjectIdentifier

    /// - Parameter user: who has passed it; nil stands for all whom the kernel does not name.
    public init(of user: UInt32?, on loop: EventLoop) {
        self.user = user
        self.loop = ObjectIdentifier(loop)
    }

    /// Whose it is: "user 1000".
    public var description: String {
        user.map { "user \($0)" } ?? "a user that the kernel does not name"
    }

    /// How much waits to be closed or unmapped, or is just being so.
    public var pending: Int { Self.accounts.withLock { $0[self]?.pending ?? 0 } }

    /// As ``pending``, of all users and loops together; what a user has pending beyond `most` counts as
    /// that many, so that one alone cannot fill what is meant for all.
    public static func pendingInAll(most: Int) -> Int {
        accounts.withLock { accounts in
            var ofUser: [UInt32?: Int] = [:]
            for (disposal, account) in accounts {
                ofUser[disposal.user, default: 0] += account.pending
            }
            return ofUser.values.reduce(0) { $0 + min($1, most) }
        }
    }

    /// Closes a descriptor whose owner gives it away.
    func close(_ number: Int32) {
        submit { OwnedDescriptor.close(number) }
    }

    /// Does a piece of work that may take any time, after those submitted before.
    func submit(_ work: @escaping @Sendable () -> Void) {
        let isFirst = Self.accounts.withLock { accounts in
            let isFirst = accounts[self] == nil
            accounts[self, default: Account()].waiting.append(work)
            accounts[self]?.pending += 1
            return isFirst
        }
        guard isFirst else { return }
        do throws(SystemError) {
            try Thread.start(name: "disposal") { run() }
        } catch {
            // Without room for a thread it is done here: late is better than never.
            run()
        }
    }

    private func run() {
        while let batch = next() {
            for work in batch {
                work()
                Self.accounts.withLock { $0[self]?.pending -= 1 }
            }
        }
    }

    /// What waits now; nil, and the end of the thread, when nothing does.
    private func next() -> [@Sendable () -> Void]? {
        Self.accounts.withLock { accounts in
            guard let waiting = accounts[self]?.waiting, !waiting.isEmpty else {
                accounts[self] = nil
                return nil
            }
            accounts[self]?.waiting = []
            return waiting
        }
    }
}
