internal import ExampleSupport
internal import Foundation
internal import Libvirt
internal import LibvirtProtocol
internal import Synchronization

/// Runs the command, and waits for its end.
final class CommandRunner: Sendable {
    private let isFirst = Atomic(true)
    private let program: URL
    private let arguments: [String]

    /// - Throws: `Failure` when there is no such program.
    init(_ command: [String]) throws {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let places =
            command[0].contains("/")
            ? [command[0]] : path.split(separator: ":").map { "\($0)/\(command[0])" }
        guard let place = places.first(where: FileManager.default.isExecutableFile) else {
            throw Failure(.notFound, "there is no program '\(command[0])' that can be run")
        }
        program = URL(fileURLWithPath: place)
        arguments = Array(command.dropFirst())
    }

    /// Runs the command where the notice asks for it.
    ///
    /// - Returns: whether it was an event that is wanted.
    func react(to notice: SupervisedConnection.Notice, of pattern: String) async -> Bool {
        switch notice {
        case .connected:
            // Every connection but the first is followed by a gap of its own.
            if isFirst.exchange(false, ordering: .relaxed) { await run(["VIRT_KIND": "gap"]) }
            return false
        case .gap:
            await run(["VIRT_KIND": "gap"])
            return false
        case .undecodable(let kind, let problem):
            Example.say("an event of the kind \(kind) cannot be read: \(problem)")
            return false
        case .disconnected(let error):
            Example.say("\(error); trying again")
            return false
        case .event(.domain(let event)):
            guard matches(event.name, pattern) else { return false }
            var facts = [
                "VIRT_KIND": event.kind.word("VIR_DOMAIN_EVENT_ID_"),
                "VIRT_DOMAIN": event.name, "VIRT_UUID": event.uuid.description,
            ]
            if case .lifecycle(let type, _) = event.content {
                facts["VIRT_EVENT"] = type.word("VIR_DOMAIN_EVENT_")
            }
            await run(facts)
            return true
        case .event: return false
        }
    }

    private func run(_ facts: [String: String]) async {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(facts) { $1 }
        let status: Int32? = await withCheckedContinuation { done in
            process.terminationHandler = { done.resume(returning: $0.terminationStatus) }
            do {
                try process.run()
            } catch {
                process.terminationHandler = nil
                Example.say("\(program.path) cannot be run: \(error.localizedDescription)")
                done.resume(returning: nil)
            }
        }
        if let status, status != 0 {
            Example.say(
                "\(program.lastPathComponent) ended with \(status) for \(facts["VIRT_KIND"] ?? "")"
                    + " \(facts["VIRT_DOMAIN"] ?? "")")
        }
    }
}

/// Counts events down, where there is a limit.
final class Counter: Sendable {
    private let left: Mutex<Int?>

    init(left: Int?) { self.left = Mutex(left) }

    /// Counts one; true for the last one.
    func isLast() -> Bool {
        left.withLock { left in
            guard let count = left else { return false }
            left = count - 1
            return count == 1
        }
    }
}

extension CustomStringConvertible {
    /// The name of one of libvirt's numbers as its tools write it: `VIR_DOMAIN_EVENT_ID_RTC_CHANGE` is
    /// "rtc-change". A number that is not known stays as it is.
    func word(_ prefix: String) -> String {
        guard description.hasPrefix(prefix) else { return description }
        return description.dropFirst(prefix.count).lowercased().replacing("_", with: "-")
    }
}
