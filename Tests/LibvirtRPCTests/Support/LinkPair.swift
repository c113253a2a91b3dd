import LibvirtRPC
import LinuxIO

/// Two links that speak to each other over a socket pair.
struct LinkPair {
    let client: Link
    let server: Link
    let loop: EventLoop

    init(
        clientHandlers: LinkHandlers = LinkHandlers(), serverHandlers: LinkHandlers,
        configuration: LinkConfiguration = LinkConfiguration(),
        serverConfiguration: LinkConfiguration = LinkConfiguration()
    ) throws {
        loop = try EventLoop.start(name: "link-test")
        let sockets = try UnixSocket.pair(.stream)
        let first = try UnixSocket(adopting: try sockets.first.descriptor.duplicate())
        let second = try UnixSocket(adopting: try sockets.second.descriptor.duplicate())
        client = Link.start(
            UnixCarrier(first, loop: loop), timers: loop, configuration: configuration,
            handlers: clientHandlers)
        server = Link.start(
            UnixCarrier(second, loop: loop), timers: loop, configuration: serverConfiguration,
            handlers: serverHandlers)
    }
}
