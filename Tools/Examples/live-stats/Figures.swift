internal import Foundation
internal import Libvirt
internal import LibvirtProtocol

/// What a domain had used at one moment.
struct Reading {
    let name: String
    let uuid: LibvirtUUID
    let time: ContinuousClock.Instant
    let state: String
    private let parameters: TypedParameters

    init(_ stats: DomainStats, at time: ContinuousClock.Instant) {
        name = stats.domain.name
        uuid = stats.domain.uuid
        self.time = time
        parameters = stats.parameters
        let number = Int32(stats.parameters["state.state"]?.integer ?? 0)
        state = virDomainState(rawValue: number).description
            .replacing("VIR_DOMAIN_", with: "").lowercased()
    }

    /// A value; nil where the driver does not tell it.
    func value(_ name: String) -> Int? { parameters[name]?.integer }

    /// The sum over all devices, such as of `block` and `rd.bytes`.
    func sum(_ group: String, _ name: String) -> Int? {
        guard let count = value("\(group).count") else { return nil }
        return (0..<count).reduce(0) { $0 &+ (value("\(group).\($1).\(name)") ?? 0) }
    }
}

/// What is shown of a domain: what it uses, by the difference of two readings.
struct Figures: Encodable {
    let name: String
    let uuid: String
    let state: String
    /// Of one processor; nil in the first round.
    let cpuPercent: Double?
    let processors: Int?
    let memoryMiB: Int?
    /// Bytes a second.
    let diskRead: Double?
    let diskWritten: Double?
    let received: Double?
    let sent: Double?

    init(_ reading: Reading, since before: Reading?) {
        name = reading.name
        uuid = reading.uuid.description
        state = reading.state
        processors = reading.value("vcpu.current")
        memoryMiB = reading.value("balloon.current").map { $0 / 1024 }
        let seconds = before.map { $0.time.duration(to: reading.time) / .seconds(1) } ?? 0
        func rate(_ value: (Reading) -> Int?) -> Double? {
            // Less than before: it was restarted in between.
            guard seconds > 0, let now = value(reading), let then = before.flatMap(value),
                now >= then
            else { return nil }
            return (Double(now - then) / seconds).rounded()
        }
        cpuPercent = rate { $0.value("cpu.time") }.map { ($0 / 1e6).rounded() / 10 }
        diskRead = rate { $0.sum("block", "rd.bytes") }
        diskWritten = rate { $0.sum("block", "wr.bytes") }
        received = rate { $0.sum("net", "rx.bytes") }
        sent = rate { $0.sum("net", "tx.bytes") }
    }

    static let header = row(
        "NAME", ["STATE", "CPU%", "CPUS", "MIB", "READ/s", "WRITTEN/s", "RX/s", "TX/s"])

    var line: String {
        func text(_ value: Double?) -> String {
            value.map { $0.formatted(.number.notation(.compactName)) } ?? "-"
        }
        let numbers = [
            cpuPercent.map { "\($0)" } ?? "-", processors.map { "\($0)" } ?? "-",
            memoryMiB.map { "\($0)" } ?? "-", text(diskRead), text(diskWritten), text(received),
            text(sent),
        ]
        return Self.row(name, [state] + numbers)
    }

    private static func row(_ name: String, _ cells: [String]) -> String {
        let padding = String(repeating: " ", count: max(0, 24 - name.count))
        return name + padding
            + cells.map { String(repeating: " ", count: max(1, 11 - $0.count)) + $0 }.joined()
    }
}
