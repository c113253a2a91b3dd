internal import LibvirtProtocol
internal import LibvirtRPC
internal import LinuxIO
internal import Logging
internal import VirtwireProtocol
internal import XDR

extension ControlProcedures {
    /// Offers the procedures that change something.
    func addChanges(to table: inout ControlTable, for caller: ControlCaller) {
        let controller = controller
        addPortChanges(to: &table)
        addHandOver(to: &table, for: caller)
        table.changePassing(
            Virtwire.OPEN, describe: { ["vm": $0.vm.text, "port": $0.name.text] }
        ) { arguments, _ async throws(CallRefusal) in
            let opened = try await changing { () async throws(ChangeError) in
                try await controller.open(
                    arguments.name.text, of: arguments.vm.text, for: caller.credentials)
            }
            let result = virtwire_open_ret(
                id: opened.declaration.id, mode: XDRString(opened.declaration.mode.rawValue),
                needs_secret: opened.declaration.secretReference != nil)
            return (result, opened.descriptors)
        }
        table.change(Virtwire.LOG_LEVEL, describe: { ["level": $0.level.text] }) {
            [logLevel] arguments async throws(CallRefusal) in
            guard let logLevel else {
                throw CallRefusal(.operationInvalid, "this daemon's log level is fixed")
            }
            guard let new = Logger.Level(rawValue: arguments.level.text) else {
                let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
                throw CallRefusal(
                    .invalidArg,
                    "there is no log level '\(arguments.level.text.printable)': write one of \(levels)"
                )
            }
            return virtwire_log_level_ret(previous: XDRString(logLevel.exchange(new).rawValue))
        }
        table.change(Virtwire.DRAIN, describe: { ["drains": "\($0.drains)"] }) {
            arguments async throws(CallRefusal) in
            try await changing { () async throws(ChangeError) in
                virtwire_drain_ret(links: UInt32(try await controller.drain(arguments.drains)))
            }
        }
        table.change(
            Virtwire.VM_DRAIN, describe: { ["vm": $0.vm.text, "drains": "\($0.drains)"] }
        ) { arguments async throws(CallRefusal) in
            try await changing { () async throws(ChangeError) in
                let links = try await controller.drain(
                    arguments.drains, domain: arguments.vm.text)
                return virtwire_vm_drain_ret(links: UInt32(links))
            }
        }
    }

    private func addHandOver(to table: inout ControlTable, for caller: ControlCaller) {
        let controller = controller
        table.changePassing(
            Virtwire.HAND_OVER, describe: { ["version": "\($0.version)"] }
        ) { arguments, passed async throws(CallRefusal) in
            // What is handed over holds the memory of every domain's links: the group may have less.
            guard let user = caller.credentials?.user, user == 0 || user == Accounts.currentUser
            else {
                throw CallRefusal(
                    .operationDenied,
                    "only root, and the user whose daemon this is, can take over from it")
            }
            // The manager would take this process's end for the service's, and start another.
            guard controller.host.store == nil else {
                throw CallRefusal(
                    .operationInvalid,
                    "this virtwired is a service whose manager keeps its links: restart the service"
                )
            }
            guard arguments.version > 0 else {
                throw CallRefusal(.invalidArg, "there is no state of version 0: ask for another")
            }
            guard let channel = HandOverChannel(passed, version: arguments.version) else {
                throw CallRefusal(
                    .invalidArg, "a socket of kind SOCK_SEQPACKET has to come with the call")
            }
            guard controller.handOvers.begin(channel) else {
                throw CallRefusal(.operationInvalid, "another hand-over is under way: try again")
            }
            return (XDRVoid(), nil)
        }
    }

    private func addPortChanges(to table: inout ControlTable) {
        let controller = controller
        table.change(
            Virtwire.PORT_ADD,
            describe: {
                ["vm": $0.vm.text, "port": $0.declaration.text, "lifetime_ms": "\($0.lifetime_ms)"]
            }
        ) { arguments async throws(CallRefusal) in
            let request = try PortRequest(arguments.declaration, arguments.lifetime_ms)
            return try await changing { () async throws(ChangeError) in
                virtwire_port_add_ret(
                    port: virtwire_port(try await controller.add(request, to: arguments.vm.text)))
            }
        }
        table.change(
            Virtwire.PREPARE,
            describe: {
                [
                    "uuid": VMIdentifier($0.vm_uuid).description, "vm": $0.vm_name.text,
                    "port": $0.declaration.text, "lifetime_ms": "\($0.lifetime_ms)",
                ]
            }
        ) { arguments async throws(CallRefusal) in
            let request = try PortRequest(arguments.declaration, arguments.lifetime_ms)
            return try await changing { () async throws(ChangeError) in
                let report = try await controller.prepare(
                    request, for: VMIdentifier(arguments.vm_uuid), name: arguments.vm_name.text)
                return virtwire_prepare_ret(port: virtwire_port(report))
            }
        }
        table.change(
            Virtwire.PORT_REMOVE, describe: { ["vm": $0.vm.text, "port": $0.name.text] }
        ) { arguments async throws(CallRefusal) in
            try await changing { () async throws(ChangeError) in
                try await controller.remove(arguments.name.text, of: arguments.vm.text)
                return XDRVoid()
            }
        }
    }

    private func changing<Answer>(
        _ change: () async throws(ChangeError) -> Answer
    ) async throws(CallRefusal) -> Answer {
        do throws(ChangeError) {
            return try await change()
        } catch {
            switch error {
            case .question(let error): throw CallRefusal(error)
            case .refused(let error): throw CallRefusal(.operationInvalid, "\(error)")
            }
        }
    }
}

extension PortRequest {
    fileprivate init(
        _ declaration: [virtwire_attribute], _ lifetime: UInt64
    ) throws(CallRefusal) {
        var attributes: [String: String] = [:]
        for attribute in declaration {
            let name = attribute.name.text
            guard attributes.updateValue(attribute.value.text, forKey: name) == nil else {
                throw CallRefusal(
                    .invalidArg, "attribute \(name.printable) is given twice: give it once")
            }
        }
        self.init(
            attributes: attributes,
            lifetime: lifetime == 0 ? nil : .milliseconds(Int64(clamping: lifetime)))
    }
}

extension [virtwire_attribute] {
    /// As an element of the metadata would have them.
    fileprivate var text: String {
        map { "\($0.name.text)='\($0.value.text)'" }.joined(separator: " ")
    }
}

extension VMIdentifier {
    /// Takes one from the wire, which always has sixteen bytes.
    fileprivate init(_ wire: virtwire_uuid) { self = VMIdentifier(bytes: wire.bytes) ?? .zero }
}

extension CallRefusal {
    /// A procedure whose answer is not for everybody was called over the read-only socket.
    static func confidential(_ name: String) -> CallRefusal {
        CallRefusal(
            .operationDenied,
            "the answer to \(name) is for those who administer the daemon: ask over the "
                + "administrative socket, control.sock")
    }

    /// A procedure that changes something was called over the read-only socket.
    static func readOnly(_ name: String) -> CallRefusal {
        CallRefusal(
            .operationDenied,
            "\(name) changes something, and this socket only answers questions: call it over the "
                + "administrative one, control.sock")
    }
}
