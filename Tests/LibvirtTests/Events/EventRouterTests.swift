import LibvirtProtocol
import Testing

@testable import Libvirt

@Suite("Who gets an event", .timeLimit(.minutes(4))) struct EventRouterTests {
    private let kind = EventKind.domain(.lifecycle)

    /// Lets a buffer of its own subscribe, which nobody else holds.
    private func subscribe(
        _ router: EventRouter, callback: Int32
    ) -> @Sendable () -> EventRouter.Buffer? {
        let buffer = EventRouter.Buffer(capacity: 1)
        router.registrationBegins(kind)
        router.registrationEnds(kind, callback: callback, [(1, buffer)])
        return { [weak buffer] in buffer }
    }

    @Test("what is given back lets go of its subscriber, before the server has heard of it")
    func leaving() {
        let router = EventRouter(uri: "test:///default")
        let buffer = subscribe(router, callback: 7)
        #expect(buffer() != nil)
        router.leave(.init(kind: kind, callback: 7))
        #expect(buffer() == nil)
        // The server uses the number again.
        router.left(.init(kind: kind, callback: 7))
        let second = subscribe(router, callback: 7)
        #expect(second() != nil)
    }
}
