import Foundation
import LinuxIO
import Synchronization
import Testing

/// Calls a closure when it is let go of.
final class Canary: Sendable {
    let song: @Sendable () -> Void
    init(_ song: @escaping @Sendable () -> Void) { self.song = song }
    func rest() {}
    deinit { song() }
}

/// A list that several threads append to.
final class Recorder<Element: Sendable>: Sendable {
    private let elements = Mutex<[Element]>([])
    func append(_ element: Element) { elements.withLock { $0.append(element) } }
    var all: [Element] { elements.withLock { $0 } }
}

@Suite("Event loops", .timeLimit(.minutes(4)))
struct EventLoopTests {
    /// Runs on the loop's thread and returns when everything submitted before has run.
    func turn(_ loop: EventLoop) async {
        await withCheckedContinuation { continuation in loop.submit { continuation.resume() } }
    }

    @Test("run submitted work in order, on their own thread")
    func submitting() async throws {
        let loop = try EventLoop.start(name: "submitting")
        defer { loop.stop() }
        let recorder = Recorder<Int>()
        #expect(!loop.isCurrent)
        for number in 0..<1000 { loop.submit { recorder.append(loop.isCurrent ? number : -1) } }
        await turn(loop)
        #expect(recorder.all == Array(0..<1000))
    }

    @Test("run one part of long work in a turn, of the piece first that has the least left")
    func parts() throws {
        let loop = try EventLoop.unattended()
        let recorder = Recorder<String>()
        @Sendable func goOn(_ name: String, _ rest: Int) {
            if rest == 0 { return }
            loop.submitPart(of: rest) {
                recorder.append("\(name)\(rest)")
                loop.submit { recorder.append("-") }
                goOn(name, rest - 1)
            }
        }
        goOn("a", 3)
        goOn("b", 2)
        goOn("c", 2)
        try loop.runReady()
        goOn("d", 1)
        // Nothing but the parts that are left keeps it from waiting.
        let poller = try Poller()
        try poller.add(loop.descriptor, for: .readable, token: 1)
        var isReady = true
        while isReady {
            try loop.runReady()
            isReady = false
            try poller.wait(milliseconds: 0) { _, _ in isReady = true }
        }
        #expect(recorder.all.joined() == "b2-b1-d1-c2-c1-a3-a2-a1-")
        goOn("e", 1)
        loop.stop()
        goOn("f", 1)
        try loop.runReady()
        #expect(recorder.all.count == 16)
    }

    @Test("lose no work that many threads submit")
    func submittingFromMany() async throws {
        let loop = try EventLoop.start(name: "many")
        defer { loop.stop() }
        let recorder = Recorder<Int>()
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask { @concurrent in
                    for number in 0..<2000 { loop.submit { recorder.append(number) } }
                }
            }
        }
        await turn(loop)
        #expect(recorder.all.count == 16000)
    }

    @Test("call a handler for each readiness until it is cancelled")
    func watching() async throws {
        let loop = try EventLoop.start(name: "watching")
        defer { loop.stop() }
        let pair = try UnixSocket.pair(.messages)
        let (stream, continuation) = AsyncStream.makeStream(of: Readiness.self)
        let watch = try loop.watch(pair.second.descriptor, for: [.readable, .edgeTriggered]) {
            continuation.yield($0)
        }
        var readiness = stream.makeAsyncIterator()
        #expect(try pair.first.send(bytes: [1]) == 1)
        #expect(await readiness.next() == .readable)
        try loop.update(watch, pair.second.descriptor, for: [.writable, .edgeTriggered])
        #expect(await readiness.next() == .writable)
        loop.cancel(watch, pair.second.descriptor)
        #expect(try pair.first.send(bytes: [2]) == 1)
        await turn(loop)
        continuation.finish()
        #expect(await readiness.next() == nil)
    }

    @Test("a handler cancelled by another in the same turn is not called")
    func cancellingANeighbour() async throws {
        let loop = try EventLoop.start(name: "neighbours")
        defer { loop.stop() }
        let first = try EventCounter()
        let second = try EventCounter()
        let calls = Recorder<Int>()
        let watches = Recorder<EventLoop.Watch>()
        let copies = [
            try first.descriptor.duplicate().release(), try second.descriptor.duplicate().release(),
        ]
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        // On the loop's thread, so that both are ready in the turn that follows.
        loop.submit {
            for (index, copy) in copies.enumerated() {
                let descriptor = OwnedDescriptor(adopting: copy)
                let watch = try? loop.watch(descriptor, for: .readable) { _ in
                    calls.append(index)
                    for (number, watch) in zip(copies, watches.all) {
                        let owner = OwnedDescriptor(adopting: number)
                        loop.cancel(watch, owner)
                        _ = owner.release()
                    }
                    continuation.finish()
                }
                if let watch { watches.append(watch) }
                _ = descriptor.release()
            }
        }
        await turn(loop)
        loop.submit { for copy in copies { var one: UInt64 = 1; _ = unsafe write(copy, &one, 8) } }
        for await _ in stream {}
        await turn(loop)
        #expect(calls.all.count == 1)
        for copy in copies { _ = OwnedDescriptor(adopting: copy) }
    }

    @Test("run every timer once, and none before it is due")
    func timers() async throws {
        let loop = try EventLoop.start(name: "timers")
        defer { loop.stop() }
        let early = Recorder<Int>()
        let ran = Recorder<Int>()
        await withCheckedContinuation { continuation in
            for number in 0..<20 {
                let due = ContinuousClock.now + .milliseconds(number / 2)
                loop.schedule(after: .milliseconds(number / 2)) {
                    if ContinuousClock.now < due { early.append(number) }
                    ran.append(number)
                    if number == 19 { continuation.resume() }
                }
            }
        }
        #expect(ran.all == Array(0..<20))
        #expect(early.all.isEmpty)
    }

    @Test("a timer may cancel the next, though both are due")
    func cancellingATimer() async throws {
        let loop = try EventLoop.start(name: "cancelling")
        defer { loop.stop() }
        let recorder = Recorder<String>()
        await withCheckedContinuation { continuation in
            loop.submit {
                let timers = Recorder<EventLoop.Timer>()
                loop.schedule(after: .zero) {
                    recorder.append("first")
                    for timer in timers.all { loop.cancel(timer) }
                }
                timers.append(loop.schedule(after: .zero) { recorder.append("second") })
                loop.schedule(after: .zero) { continuation.resume() }
            }
        }
        #expect(recorder.all == ["first"])
    }

    @Test("an earlier timer set from another thread cuts a long wait short")
    func earlierTimer() async throws {
        let loop = try EventLoop.start(name: "earlier")
        defer { loop.stop() }
        let late = loop.schedule(after: .seconds(3600)) {}
        await turn(loop)
        await withCheckedContinuation { continuation in
            loop.schedule(after: .milliseconds(1)) { continuation.resume() }
        }
        loop.cancel(late)
        loop.cancel(late)
    }

    @Test("let go of everything they hold when stopped, and take nothing more")
    func stopping() async throws {
        let loop = try EventLoop.start(name: "stopping")
        let counter = try EventCounter()
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        // Each canary calls the loop as it goes: a lock held meanwhile would never be released.
        @Sendable func canary(_ name: String) -> Canary {
            Canary {
                loop.submit {}
                continuation.yield(name)
            }
        }
        do {
            let (watched, timed) = (canary("watch"), canary("timer"))
            _ = try loop.watch(counter.descriptor, for: .readable) { _ in watched.rest() }
            loop.schedule(after: .seconds(3600)) { timed.rest() }
            let cancelled = canary("cancelled")
            let timer = loop.schedule(after: .seconds(3600)) { cancelled.rest() }
            loop.cancel(timer)
        }
        loop.submit { [work = canary("work")] in
            loop.stop()
            let dropped = canary("dropped")
            loop.submit { dropped.rest() }
            work.rest()
        }
        var freed: Set<String> = []
        for await name in stream {
            freed.insert(name)
            if freed.count == 5 { break }
        }
        #expect(freed == ["watch", "timer", "cancelled", "work", "dropped"])
        do {
            _ = try loop.watch(counter.descriptor, for: .readable) { _ in }
            Issue.record("a stopped loop took a descriptor")
        } catch {
            #expect(error.code == ECANCELED)
        }
    }
}
