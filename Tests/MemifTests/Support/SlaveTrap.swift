import LinuxIO
import Memif
import MemifTesting

/// Where a slave can pass a descriptor.
enum SlaveTrap: CaseIterable {
    case beforeHello
    case withInitialize
    case moreThanOne
    case asRegion
    case besideRegion
    case asEventfd
    case asEventfdAndGone
    case onLink
    /// In a message that nobody will read.
    case unread

    var isAnswered: Bool { self != .asEventfdAndGone }

    var code: DisconnectReason.Code {
        switch self {
        case .asRegion: .regionRefused
        case .unread: .unsupportedVersion
        default: .protocolViolation
        }
    }

    /// An honest beginning.
    func prepare(_ slave: RawSlave) async throws {
        switch self {
        case .beforeHello: break
        case .withInitialize, .moreThanOne, .unread: try await slave.advance(to: .greeted)
        case .asRegion, .besideRegion: try await slave.advance(to: .initialized)
        case .asEventfd, .asEventfdAndGone: try await slave.advance(to: .regionAdded)
        case .onLink: try await slave.advance(to: .linked)
        }
    }

    func play(_ slave: RawSlave, _ trap: Int32) throws {
        let initialize = ControlMessage.Initialize(id: 0, name: "odd")
        let region = ControlMessage.AddRegion(index: 0, byteCount: 4096)
        switch self {
        case .beforeHello, .onLink: try slave.peer.send(.acknowledge, descriptors: [trap])
        case .withInitialize: try slave.peer.send(.initialize(initialize), descriptors: [trap])
        case .moreThanOne:
            let many = [Int32](repeating: trap, count: 253)
            try slave.peer.send(.initialize(initialize), descriptors: many)
        case .asRegion: try slave.peer.send(.addRegion(region), descriptors: [trap])
        case .besideRegion:
            try slave.peer.send(
                .addRegion(region), descriptors: [slave.memory.file.rawValue, trap])
        case .asEventfd, .asEventfdAndGone:
            for ring in slave.announcements {
                try slave.peer.send(.addRing(ring), descriptors: [trap])
            }
            if self == .asEventfdAndGone { return slave.peer.hangUp() }
            try slave.peer.send(.connect(interfaceName: ""))
        case .unread:
            var odd = initialize
            odd.version = 0x0100
            try slave.peer.send(.initialize(odd))
            for _ in 0..<3 { try slave.peer.send(.acknowledge, descriptors: [trap]) }
        }
    }
}
