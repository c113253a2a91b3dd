import LibvirtProtocol
import Testing
import XDR

@testable import LibvirtRPC

/// A state in a box, which the macros can look into.
private final class Machine {
    private var state: StreamState

    init(_ state: consuming StreamState) { self.state = state }

    var byteCount: Int { state.byteCount }
    var isOver: Bool { state.isOver }
    var isFull: Bool { state.isFull }
    var refusal: StreamEnd? { state.refusal }
    func answered(isOpen: Bool) -> StreamState.Answer { state.answered(isOpen: isOpen) }
    func received(_ packet: StreamPacket) -> StreamState.Answer { state.received(packet) }
    func abandon() -> StreamState.Answer { state.abandon() }
    func abort() -> StreamState.Answer { state.abort() }
    func finish() -> StreamState.Finish { state.finish() }
    func take() -> StreamState.Taken { state.take() }

    func waits() -> Bool { if case .wait = take() { true } else { false } }
    func isAtEnd() -> Bool { if case .end = take() { true } else { false } }

    func takeData() -> [UInt8]? {
        guard case .item(.data(let bytes)) = take() else { return nil }
        return bytes
    }
}

@Suite("How far a stream is") struct StreamStateTests {
    private let error = CallRefusal(.operationFailed, "the disk is full").error

    private func client(mostBytes: Int = 1 << 20, endsWhenFull: Bool = true) -> Machine {
        let state = Machine(StreamState(.client, mostBytes: mostBytes, endsWhenFull: endsWhenFull))
        #expect(state.answered(isOpen: true) == .nothing)
        return state
    }

    private func unexpected(_ location: SourceLocation = #_sourceLocation) {
        Issue.record("not what was expected", sourceLocation: location)
    }

    @Test("data that comes before the reply is kept") func early() {
        let state = Machine(StreamState(.client, mostBytes: 1 << 20, endsWhenFull: true))
        #expect(state.received(.data([1, 2])) == .nothing)
        #expect(state.answered(isOpen: true) == .nothing)
        #expect(state.takeData() == [1, 2])
        #expect(state.waits())
    }

    @Test("items come in order, then the end; the stream stands until it is finished")
    func order() {
        let state = client()
        _ = state.received(.data([1]))
        _ = state.received(.hole(7))
        _ = state.received(.data([2]))
        _ = state.received(.endOfData)
        #expect(state.takeData() == [1])
        guard case .item(.hole(7)) = state.take() else { return unexpected() }
        #expect(state.takeData() == [2])
        #expect(state.isAtEnd())
        #expect(!state.isOver && state.byteCount == 0)
        guard case .send = state.finish() else { return unexpected() }
        guard case .wait = state.finish() else { return unexpected() }
        // In flight when we said that we had enough.
        #expect(state.received(.data([3])) == .nothing && state.byteCount == 0)
        #expect(state.received(.finish) == .nothing)
        guard case .done = state.finish() else { return unexpected() }
        #expect(state.isOver)
    }

    @Test("an error comes behind what came before it, and needs no confirmation")
    func failure() {
        let state = client()
        _ = state.received(.data([1]))
        #expect(state.received(.failure(error)) == .nothing)
        #expect(state.isOver)
        #expect(state.takeData() == [1])
        guard case .failed(.failed(let found)) = state.take() else { return unexpected() }
        #expect(found == error)
        guard case .failed(.failed) = state.finish() else { return unexpected() }
        #expect(state.abort() == .nothing)
    }

    @Test(
        "a stream given up drops what came, tells once, and keeps its serial until the confirmation"
    )
    func abort() {
        let state = client()
        _ = state.received(.data([1]))
        #expect(state.abort() == .abort && state.abort() == .nothing)
        #expect(state.byteCount == 0 && !state.isOver)
        guard case .failed(.aborted) = state.take() else { return unexpected() }
        #expect(state.refusal != nil)
        _ = state.received(.data([2]))
        #expect(state.byteCount == 0)
        _ = state.received(.finish)
        #expect(state.isOver)
        guard case .failed(.aborted) = state.finish() else { return unexpected() }
    }

    @Test("a stream that opens after nobody wants it any more is given up")
    func abandoned() {
        let state = Machine(StreamState(.client, mostBytes: 1 << 20, endsWhenFull: true))
        #expect(state.abandon() == .nothing)
        #expect(state.answered(isOpen: true) == .abort)
        let refused = Machine(StreamState(.client, mostBytes: 1 << 20, endsWhenFull: true))
        #expect(refused.abandon() == .nothing)
        #expect(refused.answered(isOpen: false) == .nothing && refused.isOver)
    }

    @Test("more than may wait ends the stream, and what came before can be read")
    func overflow() {
        let state = client(mostBytes: 1000)
        let piece = [UInt8](repeating: 7, count: 400)
        #expect(state.received(.data(piece)) == .nothing)
        #expect(state.received(.data(piece)) == .abort)
        #expect(state.takeData() == piece)
        guard case .failed(.overflow(let count)) = state.take() else { return unexpected() }
        #expect(count > 1000)
        #expect(!state.isOver)
        _ = state.received(.finish)
        #expect(state.isOver)
    }

    @Test("packets that are small or empty cost too")
    func smallPackets() {
        let state = client(mostBytes: 1 << 20)
        var answer = StreamState.Answer.nothing
        var count = 0
        while answer == .nothing, count < 1 << 20 {
            answer = state.received(count % 2 == 0 ? .hole(1) : .data([1]))
            count += 1
        }
        #expect(answer == .abort && count < 10_000)
    }

    @Test("with back-pressure it says when it is full, and when half of it has been read")
    func pressure() {
        let state = client(mostBytes: 1000, endsWhenFull: false)
        let piece = [UInt8](repeating: 7, count: 400)
        _ = state.received(.data(piece))
        #expect(!state.isFull)
        _ = state.received(.data(piece))
        #expect(state.isFull)
        _ = state.take()
        #expect(state.isFull)
        _ = state.take()
        #expect(!state.isFull)
        for _ in 0..<3 { _ = state.received(.data(piece)) }
        #expect(state.isFull)
        _ = state.abort()
        #expect(!state.isFull)
    }

    @Test("a server's end: the client's wish to end it is the end of data; its abort is confirmed")
    func server() {
        let state = Machine(StreamState(.server, mostBytes: 1 << 20, endsWhenFull: false))
        _ = state.received(.data([1]))
        _ = state.received(.finish)
        #expect(state.takeData() == [1] && state.isAtEnd() && !state.isOver)
        guard case .send = state.finish() else { return unexpected() }
        #expect(state.isOver)
        let aborted = Machine(StreamState(.server, mostBytes: 1 << 20, endsWhenFull: false))
        #expect(aborted.received(.failure(nil)) == .confirm && aborted.isOver)
        #expect(aborted.received(.failure(nil)) == .nothing)
    }

    @Test("what no stream may carry ends the stream")
    func malformed() {
        let state = client()
        let problem = XDRError(.truncated, at: 0, found: 1, bound: 8)
        #expect(state.received(.malformed(problem)) == .abort)
        guard case .failed(.malformed(problem)) = state.take() else { return unexpected() }
        // The end is awaited, and that is one.
        #expect(state.received(.malformed(problem)) == .nothing && state.isOver)
    }
}
