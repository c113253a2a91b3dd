import LinuxIO
import Memif
import MemifTesting
import Testing

/// What a link carries is agreed on in the handshake; no frame is looked into.
@Suite("Modes")
struct ModeTests {
    @Test(
        "both ends know the mode, and whatever the frames are they arrive",
        arguments: InterfaceMode.allCases, RingDirection.allCases)
    func frames(_ mode: InterfaceMode, _ direction: RingDirection) async throws {
        let pair = try await LinkPair {
            $0.mode = mode
            $0.ringSize = 16
            $0.bufferSize = 256
        }
        #expect(pair.master.details.mode == mode)
        #expect(pair.slave.details.mode == mode)
        let (sending, receiving) = pair.ends(direction)
        var sender = try unwrap(sending.takeTransmitQueue(0))
        var receiver = try unwrap(receiving.takeReceiveQueue(0))
        var generator = SeededGenerator()
        // An IP packet may be shorter than any Ethernet header, and chained as any frame.
        let frames = Frames.random(sizes: [1, 13, 14, 20, 40, 256, 257, 1500], &generator)
        let received = try Frames.pass(frames, through: &sender, &receiver)
        #expect(received == frames, "seed \(generator.seed)")
    }

    @Test("a slave says its mode in INIT", arguments: InterfaceMode.allCases)
    func slave(_ mode: InterfaceMode) async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let master = try RawMaster(at: directory.address())
        let slave = try MemifInterface.connect(
            to: directory.address(), InterfaceConfiguration(mode: mode), on: loop, reconnect: nil)
        let peer = try await master.accept()
        try peer.send(.hello(ControlMessage.Hello(name: "raw master")))
        let said = try unwrap(try await peer.receive()).message
        guard case .initialize(let initialize) = said else {
            Issue.record("\(said.name) in place of INIT")
            return
        }
        #expect(initialize.mode == mode.rawValue)
        slave.remove()
    }

    @Test(
        "a master admits its own mode and no other",
        arguments: InterfaceMode.allCases, [0, 1, 2, 3, 255] as [UInt8])
    func master(_ mode: InterfaceMode, _ asked: UInt8) async throws {
        let master = try AttackedMaster { $0.mode = mode }
        let slave = try master.slave()
        try await slave.peer.expect("HELLO")
        try slave.peer.send(
            .initialize(ControlMessage.Initialize(id: 0, mode: asked, name: "raw")))
        if asked == mode.rawValue {
            try await slave.peer.expect("ACK")
        } else {
            let reason = try await slave.peer.receiveDisconnect()
            #expect(reason?.code == .modeMismatch)
            #expect(reason?.text.contains("\(mode)") == true)
        }
        master.socket.close()
    }
}
