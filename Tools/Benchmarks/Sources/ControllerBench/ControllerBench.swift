import Foundation
import Libvirt

/// What the controller does in which time, seen from outside: a client of the same libvirt daemon, who
/// looks for the sockets, and connects to them.
///
/// usage: ControllerBench URI RUNTIME-DIRECTORY latency COUNT   one domain's life, again and again
///        ControllerBench URI RUNTIME-DIRECTORY storm COUNT     so many domains, each step for all at once
///        ControllerBench URI RUNTIME-DIRECTORY succession COUNT COMMAND…
///                                          so many daemons, each in the place of the one before
///
/// Domains are defined in the test driver's common host, and are gone with the process.
@main
struct ControllerBench {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count >= 4, let count = Int(arguments[3]), count > 0 else { usage() }
        let command = Array(arguments.dropFirst(4))
        if arguments[2] == "succession", !command.isEmpty {
            let succession = Succession(
                uri: arguments[0], runtimeDirectory: arguments[1], command: command)
            return print(try await succession.measure(count))
        }
        guard command.isEmpty else { usage() }
        let fleet = try await Fleet(uri: arguments[0], runtimeDirectory: arguments[1])
        switch arguments[2] {
        case "latency": print(try await fleet.latencies(count))
        case "storm": print(try await fleet.storm(count))
        default: usage()
        }
        await fleet.close()
    }

    static func usage() -> Never {
        FileHandle.standardError.write(
            Data(
                "usage: ControllerBench URI RUNTIME-DIRECTORY latency|storm|succession COUNT\n".utf8
            ))
        exit(2)
    }
}

/// What has gone wrong.
struct Wrong: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
