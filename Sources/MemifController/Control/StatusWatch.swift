internal import LibvirtRPC
internal import Synchronization
internal import VirtwireProtocol
internal import XDR

/// What one client is still to be told of changes: for each thing that has changed one entry, however
/// often it has, so that a client that does not read costs no more than one that does.
final class StatusWatch: Sendable {
    /// A thing that can change.
    private enum Subject: Hashable {
        case ports(VMIdentifier)
        case connection
    }

    private struct Pending {
        var name: String
        var changes: UInt64
    }

    private struct State {
        var pending: [Subject: Pending] = [:]
        /// Which comes first.
        var order: [Subject] = []
    }

    private let controller: Controller
    private let state = Mutex(State())
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    init(_ controller: Controller) {
        self.controller = controller
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Collects from now on, and sends over a link, in order, until that ends or the task is cancelled.
    ///
    /// - Parameter whenCollecting: called when no change is missed any more, and none is sent yet.
    func run(over link: Link, whenCollecting: () -> Void) async {
        // Held by the subscription, not the other way round: nobody else may hold it.
        let token = controller.host.changes.subscribe { self.add($0) }
        defer { controller.host.changes.unsubscribe(token) }
        whenCollecting()
        for await _ in wakes {
            while state.withLock({ !$0.order.isEmpty }) {
                guard await link.waitForRoom(), sendNext(over: link) else { return }
            }
        }
    }

    private func add(_ change: StatusChanges.Change) {
        let (subject, name) =
            switch change {
            case .ports(let vm, let name): (Subject.ports(vm), name)
            case .connection: (Subject.connection, "")
            }
        state.withLock { state in
            if state.pending[subject] == nil { state.order.append(subject) }
            state.pending[subject, default: Pending(name: name, changes: 0)].changes += 1
            state.pending[subject]?.name = name
        }
        wake.yield()
    }

    /// Sends what has waited longest, as it is now.
    private func sendNext(over link: Link) -> Bool {
        let next = state.withLock { state -> (Subject, Pending)? in
            guard let subject = state.order.first,
                let pending = state.pending.removeValue(forKey: subject)
            else { return nil }
            state.order.removeFirst()
            return (subject, pending)
        }
        guard let (subject, pending) = next else { return true }
        let merged = pending.changes - 1
        do throws(XDRError) {
            switch subject {
            case .ports(let vm):
                let reports = controller.reports(of: vm)
                let name = reports.first?.domainName ?? pending.name
                try link.send(
                    event: Virtwire.EVENT_PORTS,
                    virtwire_event_ports_msg(
                        vm_name: XDRString(bounded: name), vm_uuid: vm.wire,
                        merged: merged, ports: reports.map { virtwire_port($0) }))
            case .connection:
                let connection = controller.connection
                try link.send(
                    event: Virtwire.EVENT_LIBVIRT,
                    virtwire_event_libvirt_msg(
                        connected: connection == .connected,
                        error: XDRString(bounded: connection.problem), merged: merged))
            }
            return true
        } catch {
            // What exceeds a limit of the declaration cannot be told: better no watch than half of one.
            link.close()
            return false
        }
    }
}
