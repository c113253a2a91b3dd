public import LibvirtProtocol
internal import LibvirtRPC
public import LinuxIO
public import XDR

/// What a call returned, with the descriptors that came with it: those that nobody takes are closed.
public struct DescriptorReply<Value: Sendable>: ~Copyable, Sendable {
    /// The result.
    public let value: Value
    /// The descriptors, in order.
    public var descriptors: DescriptorQueue
}

extension Connection {
    /// Calls a procedure with which descriptors pass, to the server or from it.
    ///
    /// They pass over UNIX sockets of this host only: elsewhere nothing is sent. Those that are given are
    /// closed here in any case; those of a reply that nobody waits for any more are closed too.
    ///
    /// - Parameter descriptors: to pass along, in order; at most 32.
    /// - Throws: `LibvirtError`; `.unsupported` where they cannot pass.
    public func call<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>, _ arguments: Arguments,
        passing descriptors: consuming DescriptorQueue,
        deadline: ContinuousClock.Instant? = nil
    ) async throws(LibvirtError) -> DescriptorReply<Result> {
        guard uri.transport == .unix, features.contains(.descriptorPassing) else {
            throw refusal(
                procedure.name,
                "descriptors pass over a UNIX socket of this host only, to a daemon that takes them"
            )
        }
        guard descriptors.count <= FrameLimits.mostDescriptors else {
            throw refusal(
                procedure.name,
                "at most \(FrameLimits.mostDescriptors) descriptors pass with one call, and these are "
                    + "\(descriptors.count)")
        }
        let passed = descriptors.isEmpty ? nil : PassedDescriptors(descriptors)
        do throws(RPCError) {
            let reply = try await link.callReturningDescriptors(
                procedure, arguments, descriptors: passed,
                deadline: CallDeadline.earliest(deadline))
            return DescriptorReply(
                value: reply.result,
                descriptors: reply.descriptors?.takeAll() ?? DescriptorQueue())
        } catch {
            throw LibvirtError(error, uri: uri.description)
        }
    }

    /// Calls a procedure that returns one descriptor.
    func callReturningDescriptor<Arguments>(
        _ procedure: XDRProcedure<Arguments, XDRVoid>, _ arguments: Arguments
    ) async throws(LibvirtError) -> OwnedDescriptor {
        var reply = try await call(procedure, arguments, passing: DescriptorQueue())
        guard let descriptor = reply.descriptors.popFirst() else {
            throw refusal(procedure.name, "the server's reply brought no descriptor")
        }
        return descriptor
    }

    private func refusal(_ procedure: String, _ problem: String) -> LibvirtError {
        LibvirtError(
            .unsupported(
                LibvirtError.ServerError(
                    CallRefusal(.noSupport, problem, domain: .remote).error)),
            procedure: procedure, uri: uri.description)
    }
}

extension Connection {
    /// Starts a domain that is not defined, with files for its first process.
    ///
    /// - Parameters:
    ///   - xml: the domain's description.
    ///   - files: descriptors for the guest's first process, from 3 on (containers only).
    ///   - flags: such as `.startPaused`.
    /// - Throws: `LibvirtError`.
    ///
    /// Source: `virDomainCreateXMLWithFiles`, since libvirt 1.1.1. Refused on a read-only connection.
    public func createDomain(
        xml: String, files: consuming DescriptorQueue, flags: virDomainCreateFlags = []
    ) async throws(LibvirtError) -> Domain {
        let reply = try await call(
            Remote.DOMAIN_CREATE_XML_WITH_FILES,
            remote_domain_create_xml_with_files_args(
                xml_desc: XDRString(xml), flags: flags.rawValue),
            passing: files)
        return Domain(self, reply.value.dom)
    }
}
