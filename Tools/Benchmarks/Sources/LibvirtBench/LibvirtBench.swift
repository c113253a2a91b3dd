import Foundation
import Libvirt

/// What our client does in a time, and what it costs: beside `Peers`, which do the same with libvirt's
/// C client and with go-libvirt and print the same.
///
/// usage: LibvirtBench URI version|list|stats|xml CONCURRENCY SECONDS
///        LibvirtBench URI events COUNT
///        LibvirtBench URI upload|download PATH
///        LibvirtBench URI capture DIRECTORY       replies, for the codecs
///        LibvirtBench decode list|stats FILE SECONDS
///        LibvirtBench SOCKET serve-events COUNT   a daemon that sends a burst; until it is ended
///
/// With BENCH_EXECUTOR=shared in the environment, calls are made from Swift's own threads.
@main
struct LibvirtBench {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count >= 3 else { usage() }
        let seconds = arguments.count > 3 ? Double(arguments[3]) ?? 1 : 1
        if arguments[0] == "decode" {
            return print(try Codec(arguments[1], file: arguments[2]).run(seconds: seconds))
        }
        switch arguments[1] {
        case "serve-events": try await serveEvents(at: arguments[0], Int(arguments[2]) ?? 1)
        case "capture":
            let connection = try await Connection.open(arguments[0])
            try await Codec.capture(connection, into: arguments[2])
            await connection.close()
        default:
            print(try await measure(arguments[0], arguments[1], arguments[2], seconds: seconds))
        }
    }

    static func measure(
        _ uri: String, _ measure: String, _ argument: String, seconds: Double
    ) async throws -> Run {
        let connection = try await Connection.open(uri)
        let isShared = ProcessInfo.processInfo.environment["BENCH_EXECUTOR"] == "shared"
        let run = try await withTaskExecutorPreference(isShared ? nil : connection.executor) {
            switch measure {
            case "events": return try await countEvents(connection, Int(argument) ?? 1)
            case "upload", "download":
                return try await moveVolume(connection, measure, argument)
            default:
                return try await callAgainAndAgain(
                    connection, measure, concurrency: Int(argument) ?? 1, seconds: seconds)
            }
        }
        await connection.close()
        return run
    }

    static func usage() -> Never {
        FileHandle.standardError.write(
            Data("usage: LibvirtBench URI MEASURE ARGUMENT [SECONDS]\n".utf8))
        exit(2)
    }
}
