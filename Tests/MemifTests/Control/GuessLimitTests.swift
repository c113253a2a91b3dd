import Testing

@testable import Memif

@Suite("The limit of guesses")
struct GuessLimitTests {
    private let start = ContinuousClock.now

    @Test("each user has so many wrong secrets, and gets one back after each pause")
    func users() {
        var limit = GuessLimit(burst: 3, pause: .seconds(2))
        for _ in 0..<3 {
            #expect(limit.problem(of: 7, at: start) == nil)
            limit.count(7, at: start)
        }
        let problem = limit.problem(of: 7, at: start)
        #expect(problem?.code == .limitExceeded)
        #expect(
            problem?.text == "user 7 has shown 3 wrong secrets and must wait 2.0 seconds")
        #expect(limit.problem(of: 8, at: start) == nil)
        #expect(limit.problem(of: nil, at: start) == nil)

        #expect(limit.problem(of: 7, at: start + .seconds(1)) != nil)
        #expect(limit.problem(of: 7, at: start + .seconds(2)) == nil)
        limit.count(7, at: start + .seconds(2))
        #expect(limit.problem(of: 7, at: start + .seconds(3)) != nil)
        // All is forgiven in time, and no more than all.
        for _ in 0..<3 {
            #expect(limit.problem(of: 7, at: start + .seconds(100)) == nil)
            limit.count(7, at: start + .seconds(100))
        }
        #expect(limit.problem(of: 7, at: start + .seconds(100)) != nil)
    }

    @Test("those whom the kernel does not name share one account")
    func nameless() {
        var limit = GuessLimit(burst: 1, pause: .seconds(1))
        limit.count(nil, at: start)
        #expect(limit.problem(of: nil, at: start)?.text.hasPrefix("a user that the kernel") == true)
        #expect(limit.problem(of: 0, at: start) == nil)
    }

    @Test("a crowd of users is forgotten once it is forgiven")
    func crowd() {
        var limit = GuessLimit(burst: 1, pause: .seconds(1))
        for user in 0..<5000 as Range<UInt32> {
            limit.count(user, at: start + .seconds(Int(user)))
        }
        #expect(limit.userCount <= 1024)
    }
}
