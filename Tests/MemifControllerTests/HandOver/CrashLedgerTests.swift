import MemifTesting
import Testing

@testable import MemifController

@Suite("What the service manager is told to keep for the case of a crash")
struct CrashLedgerTests {
    private typealias Ledger = CrashLedger<String>

    private func enter(
        _ port: String, _ files: [String?], in ledger: inout Ledger
    ) throws -> Ledger.Change {
        let change = ledger.enter(port, files)
        return try #require(change)
    }

    private func strike(_ port: String, from ledger: inout Ledger) -> [StoredName] {
        ledger.strike(port).removed
    }

    @Test("names are read as they are written, and others are told apart")
    func names() {
        let all: [StoredName] = [.state, .part(0), .part(8191), .linkState(7), .linkPart(12)]
        for name in all { #expect(StoredName(name.text) == name) }
        #expect(
            all.map(\.text) == [
                "virtwired-state", "virtwired-0", "virtwired-8191", "virtwired-s7", "virtwired-l12",
            ])
        #expect(all.map(\.isOfLink) == [false, false, false, true, true])
        #expect(StoredName("another-state") == nil)
        for odd in ["virtwired-", "virtwired-s", "virtwired-l-1", "virtwired--1", "virtwired-new"] {
            #expect(StoredName(odd) == .other(odd))
        }
    }

    @Test("a port's files come before its state, and go after it")
    func order() throws {
        var ledger = Ledger(capacity: 10)
        let first = try enter("a", ["listener", "socket", "ring"], in: &ledger)
        #expect(first.sources == [0, 1, 2] && first.stored == [0, 1, 2])
        #expect(first.state == .linkState(1) && first.removed == [])
        // Another listener: the rest is there already, and the state before goes first.
        let second = try enter("a", ["other", "socket", "ring"], in: &ledger)
        #expect(second.sources == [3, 1, 2] && second.stored == [0])
        #expect(second.state == .linkState(2))
        #expect(second.removed == [.linkState(1), .linkPart(0)])
        #expect(ledger.names == [.linkPart(1), .linkPart(2), .linkPart(3), .linkState(2)])
        let last = ledger.strike("a")
        #expect(last.removed == [.linkState(2), .linkPart(3), .linkPart(1), .linkPart(2)])
        #expect(last.state == nil && last.stored.isEmpty && ledger.names == [])
        #expect(strike("a", from: &ledger) == [])
    }

    @Test("a file that ports have in common is stored once, and goes with the last of them")
    func shared() throws {
        var ledger = Ledger(capacity: 20)
        let a = try enter("a", ["a", "memory", "memory"], in: &ledger)
        #expect(a.sources == [0, 1, 1] && a.stored == [0, 1])
        let b = try enter("b", ["b", "memory"], in: &ledger)
        #expect(b.sources == [2, 1] && b.stored == [0])
        #expect(strike("a", from: &ledger) == [.linkState(1), .linkPart(0)])
        #expect(strike("b", from: &ledger) == [.linkState(2), .linkPart(2), .linkPart(1)])
    }

    @Test("a file of which nothing can be told is stored each time")
    func nameless() throws {
        var ledger = Ledger(capacity: 20)
        let change = try enter("a", [nil, nil, "ring"], in: &ledger)
        #expect(change.sources == [0, 1, 2] && change.stored == [0, 1, 2])
        let again = try enter("a", [nil, nil, "ring"], in: &ledger)
        #expect(again.sources == [3, 4, 2] && again.stored == [0, 1])
        #expect(again.removed == [.linkState(1), .linkPart(0), .linkPart(1)])
    }

    @Test("where there is no room all stays as it was, and there is room again when a link goes")
    func full() throws {
        var ledger = Ledger(capacity: 6)
        _ = try enter("a", ["1", "2"], in: &ledger)
        let names = ledger.names
        let tooMany = ledger.enter("b", ["3", "4", "5"])
        #expect(tooMany == nil)
        #expect(ledger.names == names && !ledger.contains("b"))
        _ = try enter("b", ["3", "4"], in: &ledger)
        let another = ledger.enter("c", ["1"])
        #expect(another == nil)
        _ = ledger.strike("a")
        _ = try enter("c", ["1"], in: &ledger)
        #expect(Ledger(capacity: 0).names == [])
    }

    /// What a service manager has when it has done a part of what it was told.
    private struct Store {
        var files: [StoredName: String] = [:]
        /// The sources and the files of a state.
        var states: [StoredName: (sources: [Int], files: [String])] = [:]

        /// Whether each state has its own files.
        var isWhole: Bool {
            states.values.allSatisfy { sources, files in
                zip(sources, files).allSatisfy { self.files[.linkPart($0)] == $1 }
            }
        }
    }

    @Test("at any step of any changes each state that is there has its files, and no name is taken")
    func random() throws {
        var random = SeededGenerator("what is kept for a crash")
        let seed = random.seed
        var ledger = Ledger(capacity: 40)
        var store = Store()
        var wanted: [String: [String]] = [:]
        for _ in 0..<3000 {
            let port = "p\(Int.random(in: 0..<8, using: &random))"
            var files: [String] = []
            var change = Ledger.Change()
            if Bool.random(using: &random) {
                files = (0..<Int.random(in: 1...6, using: &random)).map { _ in
                    "f\(Int.random(in: 0..<25, using: &random))"
                }
                if let new = ledger.enter(port, files) {
                    (change, wanted[port]) = (new, files)
                } else {
                    (change, wanted[port]) = (ledger.strike(port), nil)
                    files = []
                }
            } else {
                (change, wanted[port]) = (ledger.strike(port), nil)
            }
            for index in change.stored.sorted() {
                let name = StoredName.linkPart(change.sources[index])
                try #require(store.files[name] == nil, "seed \(seed): \(name.text) is taken")
                try #require(!store.files.values.contains(files[index]), "seed \(seed)")
                store.files[name] = files[index]
            }
            if let state = change.state { store.states[state] = (change.sources, files) }
            try #require(store.isWhole, "seed \(seed)")
            for name in change.removed {
                store.states[name] = nil
                store.files[name] = nil
                try #require(store.isWhole, "seed \(seed): without \(name.text)")
            }
            try #require(store.files.count + store.states.count <= 40, "seed \(seed)")
            try #require(
                Set(ledger.names) == Set(store.files.keys).union(store.states.keys), "seed \(seed)")
            try #require(
                Set(store.states.values.map(\.files)) == Set(wanted.values), "seed \(seed)")
        }
    }
}
