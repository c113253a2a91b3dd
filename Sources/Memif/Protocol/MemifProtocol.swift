/// The constants of memif version 2.0.
///
/// Source: memif.h, as its printed layout shows it; every number on the wire is little-endian.
public enum MemifProtocol {
    /// Every control message has this length, whatever it carries; bytes not used are zero.
    public static let messageByteCount = 128
    /// Version 2.0: the major number in the high byte. Peers speak no other.
    public static let version: UInt16 = 0x0200
    /// The first four bytes of every ring.
    public static let cookie: UInt32 = 0x03E3_1F20
    /// The bytes of a name field, its NUL included.
    public static let nameByteCount = 32
    /// The bytes of the secret field.
    public static let secretByteCount = 24
    /// The bytes of the text of a DISCONNECT, its NUL included.
    public static let reasonByteCount = 96
    /// A ring has at most 2^14 slots: free-running 16-bit indexes would allow 2^15, peers do not.
    public static let largestLog2RingSize: UInt8 = 14
    /// Rings in one direction: indexes are compared with the 255 that peers announce.
    public static let mostRings = 256
    /// Regions of a link: indexes are compared with the 255 that peers announce.
    public static let mostRegions = 256
    /// Ring header flag: whoever receives from the ring wants no interrupts now.
    public static let maskInterrupt: UInt16 = 1
    /// Descriptor flag: the frame goes on in the next slot.
    public static let nextFlag: UInt16 = 1
}

/// Which end of a link a program is.
public enum MemifRole: String, Hashable, Sendable, CaseIterable {
    /// Listens. Reads and writes memory that the slave owns.
    case master
    /// Connects. Owns the memory with the rings and the buffers.
    case slave
}

/// Which way a ring carries frames.
public enum RingDirection: String, Hashable, Sendable, CaseIterable {
    /// S2M: the slave sends, the master receives.
    case slaveToMaster = "slave to master"
    /// M2S: the master sends, the slave receives.
    case masterToSlave = "master to slave"
}

/// What a link carries. Both ends must name the same mode.
public enum InterfaceMode: UInt8, Hashable, Sendable, CaseIterable {
    /// Ethernet frames.
    case ethernet = 0
    /// IP packets without a link layer.
    case ip = 1
    /// VPP's punt and inject.
    case puntInject = 2
}
