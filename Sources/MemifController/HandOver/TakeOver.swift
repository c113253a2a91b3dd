internal import Glibc
internal import LibvirtRPC
internal import LinuxIO
internal import VirtwireProtocol
internal import XDR

extension Inheritance {
    /// How long the daemon may take to say that it begins.
    private static let patience = Duration.seconds(30)

    /// Has the daemon that serves these directories leave everything to this process.
    ///
    /// - Returns: nil where none does.
    /// - Throws: `PortError` where it goes on itself.
    static func takeOver(
        _ layout: RuntimeLayout, loop: EventLoop
    ) async throws(PortError) -> Inheritance? {
        guard let link = try connect(layout.controlSocket, loop) else { return nil }
        defer { link.close() }
        let channel = try await ask(link)
        let taken: Result<Inheritance, PortError>
        do throws(SystemError) {
            taken = try await Thread.perform(name: "take-over") {
                Result { () throws(PortError) in try channel.take() }
            }
        } catch {
            throw .noDescriptors(error)
        }
        return try taken.get()
    }

    /// Has the daemon begin. One of the first version refuses to know of any other.
    private static func ask(_ link: Link) async throws(PortError) -> HandOverChannel {
        var version = VIRTWIRE_STATE_VERSION
        while true {
            let (channel, theirs) = try makeChannel()
            do throws(RPCError) {
                _ = try await link.call(
                    Virtwire.HAND_OVER, virtwire_hand_over_args(version: UInt32(version)),
                    descriptors: theirs, deadline: .now + patience)
                return channel
            } catch {
                if case .refused = error.kind, version > 1 {
                    version = 1
                    continue
                }
                throw PortError(
                    reason: "the virtwired that runs does not hand over: \(error)",
                    remedy: "it goes on; stop it, and start virtwired without taking over")
            }
        }
    }

    private static func connect(_ path: String, _ loop: EventLoop) throws(PortError) -> Link? {
        do throws(SystemError) {
            let socket = try UnixSocket.connect(to: UnixAddress(path: path), kind: .stream)
            return Link.start(UnixCarrier(socket, loop: loop), timers: loop)
        } catch {
            // Nobody listens.
            if error.code == ENOENT || error.code == ECONNREFUSED { return nil }
            throw PortError(
                reason: "the virtwired that runs cannot be asked: \(error)",
                remedy: "take over as the user whose daemon it is")
        }
    }

    /// The successor's end of a socket, and the daemon's.
    private static func makeChannel() throws(PortError) -> (HandOverChannel, PassedDescriptors) {
        do throws(SystemError) {
            let pair = try UnixSocket.pair(.messages)
            var theirs = DescriptorQueue()
            theirs.append(try pair.second.descriptor.duplicate())
            let ours = try UnixSocket(adopting: pair.first.descriptor.duplicate())
            return (
                HandOverChannel(socket: try MessageSocket(ours)), PassedDescriptors(theirs)
            )
        } catch {
            throw .noDescriptors(error)
        }
    }
}
