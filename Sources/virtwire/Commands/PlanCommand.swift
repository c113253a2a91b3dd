internal import ArgumentParser
internal import VirtwireProtocol
internal import XDR

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "What the daemon would do now, and why; nothing is done.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "A domain's name or UUID; without it all.")
    var vm: String?

    func run() async throws {
        let steps = try await daemon.plan(for: vm)
        try output.write(steps, as: PlannedStep.table(of: steps))
    }
}

extension DaemonOptions {
    /// What the daemon would do now.
    ///
    /// - Parameter vm: a domain's name or UUID; nil for all.
    func plan(for vm: String? = nil) async throws -> [PlannedStep] {
        try await call(Virtwire.PLAN, virtwire_plan_args(vm: XDRString(vm ?? ""))).steps.map {
            PlannedStep($0)
        }
    }
}

/// A step of the daemon's plan, in the spelling of our JSON.
struct PlannedStep: Encodable {
    let vm: String
    let uuid: String
    let port: String
    let deed: String
    let reason: String
    let remedy: String

    init(_ wire: virtwire_plan_step) {
        vm = wire.vm_name.text
        uuid = wire.vm_uuid.bytes.uuidText
        port = wire.name.text
        deed = wire.deed.text
        reason = wire.reason.text
        remedy = wire.remedy.text
    }

    static func table(of steps: [PlannedStep]) -> Table {
        var table = Table("VM", "PORT", "DEED", "WHY")
        for step in steps {
            let why = [step.reason, step.remedy].filter { !$0.isEmpty }
            table.add(step.vm, step.port, step.deed, why.joined(separator: "; "))
        }
        return table
    }
}
