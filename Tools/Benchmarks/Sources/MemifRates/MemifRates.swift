import LinuxIO
import Memif

/// What memif's queues do on this machine, in numbers for `Tools/bench`: one line of JSON.
///
///     MemifRates ours SIZE BURST SECONDS [copy|place]     both ends ours, a core each
///     MemifRates ROLE SOCKET tx|rx|echo SIZE BURST SECONDS [copy|place]   one end, a peer at the other
///     MemifRates trips polling|adaptive|interrupt SECONDS       round trips of a 64-byte frame, both ends ours
///     MemifRates copies SIZE BURST SECONDS                 memcpy from core to core, without memif
///     MemifRates lone SIZE BURST SECONDS [copy|place]     both ends on one core: nanoseconds a frame
///     MemifRates costs                                    what a burst does beyond its frames, counted
///     MemifRates links COUNT SECONDS                       that many links on one control thread
@main
struct MemifRates {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        switch arguments.first {
        case "ours": try await bothEnds(Array(arguments.dropFirst()))
        case "master", "slave": try await oneEnd(Array(arguments))
        case "trips": try await trips(Array(arguments.dropFirst()))
        case "copies": try await copies(Array(arguments.dropFirst()))
        case "lone": try await lone(Array(arguments.dropFirst()))
        case "costs": try await costs()
        case "links": try await links(Array(arguments.dropFirst()))
        default: throw Wrong("see the head of MemifRates.swift")
        }
    }

    private static func bothEnds(_ words: [String]) async throws {
        guard words.count >= 3 else { throw Wrong("ours SIZE BURST SECONDS [copy|place]") }
        let traffic = try Traffic(words[0], words[1], words.dropFirst(3).first)
        for direction in RingDirection.allCases {
            let pair = try await Pair(traffic)
            let (sender, receiver) = pair.ends(direction)
            try traffic.receive(on: receiver, cpu: 1)
            try traffic.send(on: sender, cpu: 0)
            let rate = try await traffic.rate(of: receiver, seconds: try number(words[2]))
            print(#"{"direction": "\#(direction.rawValue)", \#(rate)}"#)
            pair.end()
        }
    }

    private static func oneEnd(_ words: [String]) async throws {
        guard words.count >= 6 else {
            throw Wrong("ROLE SOCKET tx|rx|echo SIZE BURST SECONDS [copy|place]")
        }
        let traffic = try Traffic(words[3], words[4], words.dropFirst(6).first)
        // Of two cores the one that testpmd has not, as Tools/lib/testpmd.sh starts it.
        let cpu = words[0] == "master" ? 0 : 1
        let end = try await End(words[0] == "master" ? .master : .slave, at: words[1], traffic)
        switch words[2] {
        case "tx": try traffic.send(on: end.link, cpu: cpu)
        case "rx": try traffic.receive(on: end.link, cpu: cpu)
        case "echo": try traffic.echo(on: end.link, cpu: cpu)
        default: throw Wrong("\(words[2]) is not tx, rx or echo")
        }
        let sends = words[2] == "tx"
        let rate = try await traffic.rate(
            of: end.link, sending: sends, seconds: try number(words[5]))
        print("{\(rate)}")
        end.end()
    }

    static func number(_ word: String) throws -> Int {
        guard let number = Int(word), number > 0 else { throw Wrong("\(word) is not a number") }
        return number
    }
}

/// What is wrong with the arguments, or with the run.
struct Wrong: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
