internal import LibvirtRPC
internal import LinuxIO
internal import Logging
internal import Memif
internal import Synchronization

extension MemifPortBackend {
    /// As ``PortBackend`` has it.
    public func adopt(_ inherited: InheritedPorts) { self.inherited.withLock { $0 = inherited } }

    /// As ``PortBackend`` has it.
    public func close(_ unwanted: InheritedPorts) {
        for inherited in unwanted.claimAll() { end(inherited, DisconnectText.removed) }
    }

    /// The port of another process that a specification is for, as far as it can go on.
    ///
    /// - Throws: `PortError` while the other process may go on itself, where it has no such port, or its peer
    ///   would have to be told something.
    func claim(_ specification: PortSpecification) throws(PortError) -> MemifPort? {
        let all = inherited.withLock(\.self)
        guard let inherited = all.claim(specification.path) else {
            if all.areLent { throw .notYetOurs("does not have the port") }
            return nil
        }
        let declaration = specification.declaration
        guard inherited.specification.vm == specification.vm,
            !declaration.needsNewInterface(after: inherited.specification.declaration)
        else {
            if all.areLent {
                all.add([inherited])
                throw .notYetOurs("has the port with other settings")
            }
            end(inherited, DisconnectText.changed)
            return nil
        }
        do {
            let port = try resume(inherited, as: specification)
            if !all.areLent { port.thaw() }
            return port
        } catch {
            logger.warning(
                "a port of the process before cannot go on; it is opened anew",
                metadata: ["path": "\(specification.path)", "reason": "\(error)"])
            return nil
        }
    }

    private func end(_ inherited: InheritedPort, _ reason: String) {
        do {
            let port = try resume(inherited, as: inherited.specification)
            port.thaw()
            port.end(reason)
        } catch {
            logger.debug(
                "a port of the process before is closed without a word",
                metadata: ["path": "\(inherited.specification.path)", "reason": "\(error)"])
        }
    }

    /// Has a port, which stands still. A link that cannot go on is told why when it is thawed, and costs no
    /// other.
    private func resume(
        _ inherited: InheritedPort, as specification: PortSpecification
    ) throws -> MemifPort {
        // What is kept of it for a crash is kept anew as its link comes up.
        crashStates.withLock(\.self)?(specification.path) { nil }
        var descriptors = inherited.descriptors.takeAll()
        guard let listener = descriptors.popFirst() else {
            throw PortError.badState("a port without a listener")
        }
        // Nobody is accepted before the links that stand have their interface.
        let socket = try MasterSocket(
            UnixListener(adopting: listener), on: loop, options: options(specification),
            frozen: true)
        let interface = try socket.add(interfaceConfiguration(specification))
        var resumed = MemifPort.Inherited(traffic: inherited.traffic)
        for record in inherited.links {
            do throws(LinkEnd) {
                resumed.link = try socket.resume(
                    record, descriptors.popFirst(record.descriptorCount))
                if inherited.isFromCrash { resumed.link?.wakePeer() }
            } catch {
                resumed.traffic.lastDisconnect = error.description.printable
                logger.warning(
                    "a link of the process before cannot go on",
                    metadata: [
                        "vm": "\(specification.vm)", "port": "\(specification.declaration.name)",
                        "reason": "\(error.description.printable)",
                    ])
            }
        }
        return port(specification, interface, socket, inherited.identity, resumed)
    }
}

extension PortError {
    /// Another process serves these directories still.
    fileprivate static func notYetOurs(_ what: String) -> PortError {
        PortError(
            reason: "the process before \(what)",
            remedy: "wait until it has ended: then the port is opened")
    }
}
