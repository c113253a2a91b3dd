import Libvirt
import LibvirtProtocol

/// What guests do, done by the monitor: these machines have none.
extension Domain {
    /// How much is written at once, as the monitor has it; a device may take no other.
    private enum Width: String {
        case byte = "b"
        case halfword = "h"
    }

    /// Does what a guest's write to a port of the machine does.
    private func write(_ value: Int, _ width: Width, toPort port: Int) async throws {
        let command = "o /\(width.rawValue) 0x\(String(port, radix: 16)) \(value)"
        _ = try await qemuMonitorCommand(cmd: command, flags: .hmp)
    }

    /// Has the guest crash, as its panic device tells.
    func panic() async throws { try await write(1, .byte, toPort: 0x505) }

    /// Has the guest crash and a kernel of its own see to that, as the device tells too.
    func panicWithCrashKernel() async throws { try await write(2, .byte, toPort: 0x505) }

    /// Has the guest turn the machine off.
    func powerOff() async throws { try await write(0x2000, .halfword, toPort: 0x604) }

    /// Has the guest put the machine to sleep (S3). Source: QEMU's PIIX4, PM1a_CNT: SLP_EN is bit 13, the
    /// kind of sleep stands in bits 10 to 12.
    func suspendToMemory() async throws { try await write(0x2400, .halfword, toPort: 0x604) }

    /// Has the guest put the machine to sleep on its disk (S4), at the end of which it is off.
    func suspendToDisk() async throws { try await write(0x2800, .halfword, toPort: 0x604) }

    /// Has the guest start its watchdog with the shortest time, and leave it alone. Source: ib700, which counts
    /// two seconds for each below 0xf.
    func neglectWatchdog() async throws { try await write(0xe, .byte, toPort: 0x443) }
}
