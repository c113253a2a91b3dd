internal import Synchronization

/// Closes and unmaps what a user of this host has passed to what an event loop serves, on a thread of its
/// own.
///
/// Who passes a descriptor decides how long its last close takes: a socket that lingers waits for its
/// peer, a file that a program serves for that program; and the last use of a large memory file ends with
/// all its pages. Neither loop nor worker may wait for that, nor may other users, nor other loops.
///
/// The thread is there from the beginning, which is before anything can be passed, and so nothing has to be
/// done elsewhere for want of one. It goes with whatever it is to close.
public final class Disposal: Sendable, CustomStringConvertible {
    private struct Key: Hashable {
        let user: UInt32?
        let loop: ObjectIdentifier
    }

    private struct Account {
        let wake = ThreadSemaphore()
        var waiting: [@Sendable () -> Void] = []
        /// How many wait, or are under way.
        var pending = 0
        /// How many disposals stand for it.
        var holders = 0
    }

    /// Those that have a thread: they are held, or have something to do still.
    private static let accounts = Mutex<[Key: Account]>([:])

    private let key: Key

    /// Finds a user's, or makes it.
    ///
    /// - Parameter user: who is going to pass something; nil stands for all whom the kernel does not name.
    /// - Throws: `SystemError` when the system has no room for another thread.
    public init(of user: UInt32?, on loop: EventLoop) throws(SystemError) {
        let key = Key(user: user, loop: ObjectIdentifier(loop))
        try Self.accounts.withLock { accounts throws(SystemError) in
            var account = accounts[key] ?? Account()
            // Its first look waits for this lock.
            if accounts[key] == nil { try Self.startThread(key, account.wake) }
            account.holders += 1
            accounts[key] = account
        }
        self.key = key
    }

    deinit {
        let wake = Self.accounts.withLock { accounts in
            accounts[key]?.holders -= 1
            return accounts[key]?.wake
        }
        wake?.signal()
    }

    /// Whose it is: "user 1000".
    public var description: String {
        key.user.map { "user \($0)" } ?? "a user that the kernel does not name"
    }

    /// How much waits to be closed or unmapped, or is just being so.
    public var pending: Int { Self.accounts.withLock { $0[key]?.pending ?? 0 } }

    /// As ``pending``, of the one that has the most.
    public static var largestPending: Int {
        accounts.withLock { $0.values.map(\.pending).max() ?? 0 }
    }

    /// As ``pending``, of all users and loops together; what a user has pending beyond `most` counts as
    /// that many, so that one alone cannot fill what is meant for all.
    public static func pendingInAll(most: Int) -> Int {
        accounts.withLock { accounts in
            var ofUser: [UInt32?: Int] = [:]
            for (key, account) in accounts where account.pending > 0 {
                ofUser[key.user, default: 0] += account.pending
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
        let wake = Self.accounts.withLock { accounts in
            accounts[key]?.waiting.append(work)
            accounts[key]?.pending += 1
            return accounts[key]?.wake
        }
        wake?.signal()
    }

    private static func startThread(_ key: Key, _ wake: ThreadSemaphore) throws(SystemError) {
        try Thread.start(name: "disposal") {
            repeat { wake.wait() } while work(key)
        }
    }

    /// Does what waits now; false, and the end of the thread, when nothing does and nobody is left to submit
    /// any.
    private static func work(_ key: Key) -> Bool {
        let batch = accounts.withLock { accounts -> [@Sendable () -> Void]? in
            guard let account = accounts[key] else { return nil }
            if account.waiting.isEmpty, account.holders == 0 {
                accounts[key] = nil
                return nil
            }
            accounts[key]?.waiting = []
            return account.waiting
        }
        guard let batch else { return false }
        for piece in batch {
            piece()
            accounts.withLock { $0[key]?.pending -= 1 }
        }
        return true
    }
}
