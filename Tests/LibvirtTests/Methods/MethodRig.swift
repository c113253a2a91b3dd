import LibvirtProtocol
import LibvirtTesting
import Synchronization
import Testing
import XDR

@testable import Libvirt

/// A generated method, and a call of it with values made up for a test.
struct MethodCase: Sendable {
    /// libvirt's function.
    let function: String
    let run: @Sendable (MethodRig) async throws -> Void

    init(_ function: String, _ run: @escaping @Sendable (MethodRig) async throws -> Void) {
        self.function = function
        self.run = run
    }
}

/// The calls, each named after libvirt's function.
enum MethodCases {}

/// Makes values for a call, makes the call, and compares what came over the wire.
final class MethodRig {
    let connection: Connection
    private let daemon: FakeLibvirtd
    private let function: String
    /// Whether every value is the least that there is: 0, nothing, no elements.
    let isEmpty: Bool
    private var count: UInt8 = 0
    /// What was compared.
    private(set) var comparisons = 0

    init(_ daemon: FakeLibvirtd, _ connection: Connection, _ function: String, isEmpty: Bool) {
        self.daemon = daemon
        self.connection = connection
        self.function = function
        self.isEmpty = isEmpty
    }

    /// A number that no value of this call has had, small enough for every type; or 0.
    func number() -> UInt8 {
        guard !isEmpty else { return 0 }
        count = count % 250 + 1
        return count
    }

    func next<Value: MadeUp>() -> Value { Value(madeUpFor: self) }

    func flags<Flags: OptionSet>() -> Flags where Flags.RawValue == UInt32 {
        Flags(rawValue: UInt32(number()) << 8)
    }

    /// As ``flags()``, and never empty.
    func someFlags<Flags: OptionSet>() -> Flags where Flags.RawValue == UInt32 {
        Flags(rawValue: max(1, UInt32(number())) << 8)
    }

    func value<Value: RawRepresentable<Int32>>() -> Value {
        guard let value = Value(rawValue: Int32(number())) else {
            preconditionFailure("\(Value.self) knows no number but its own")
        }
        return value
    }

    /// Calls a method, and answers its procedure's call with a result.
    ///
    /// - Returns: what the daemon got, and what the method returned.
    func exchange<Arguments: Sendable, Result: Sendable, Returned>(
        _ procedure: XDRProcedure<Arguments, Result>, _ result: Result,
        _ call: () async throws -> Returned
    ) async throws -> (Arguments?, Returned) {
        let received = Received<Arguments>()
        daemon.serve(procedure) { arguments in
            received.value.withLock { $0 = arguments }
            return result
        }
        let returned = try await call()
        return (received.value.withLock(\.self), returned)
    }

    func compare<Value: Equatable>(_ value: Value, _ expected: Value) {
        comparisons += 1
        if value != expected {
            Issue.record("\(function): \(value) came where \(expected) was sent")
        }
    }
}

private final class Received<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
}

/// A type of which a test can make up values.
protocol MadeUp {
    init(madeUpFor rig: MethodRig)
}

extension FixedWidthInteger {
    init(madeUpFor rig: MethodRig) { self = Self(rig.number()) }
}

extension Int32: MadeUp {}
extension UInt32: MadeUp {}
extension Int64: MadeUp {}
extension UInt64: MadeUp {}
extension UInt8: MadeUp {}

extension Bool: MadeUp {
    init(madeUpFor rig: MethodRig) { self = rig.number() != 0 }
}

extension String: MadeUp {
    init(madeUpFor rig: MethodRig) { self = rig.isEmpty ? "" : "text \(rig.number())" }
}

extension Optional: MadeUp where Wrapped: MadeUp {
    init(madeUpFor rig: MethodRig) { self = rig.isEmpty ? nil : Wrapped(madeUpFor: rig) }
}

extension Array: MadeUp where Element: MadeUp {
    init(madeUpFor rig: MethodRig) { self = rig.isEmpty ? [] : [rig.next(), rig.next()] }
}

extension LibvirtUUID: MadeUp {
    init(madeUpFor rig: MethodRig) { self.init(rig.next() as remote_uuid) }
}

extension TypedParameters: MadeUp {
    init(madeUpFor rig: MethodRig) { self.init(rig.next() as [remote_typed_param]) }
}

extension Domain: MadeUp {
    init(madeUpFor rig: MethodRig) { self.init(rig.connection, rig.next()) }
}

extension DomainSnapshot: MadeUp {
    init(madeUpFor rig: MethodRig) { self.init(rig.connection, rig.next()) }
}

extension DomainCheckpoint: MadeUp {
    init(madeUpFor rig: MethodRig) { self.init(rig.connection, rig.next()) }
}

extension StorageVolume: MadeUp {
    init(madeUpFor rig: MethodRig) { self.init(rig.connection, rig.next()) }
}
