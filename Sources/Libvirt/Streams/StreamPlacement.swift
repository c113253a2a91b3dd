/// Which connection carries a stream.
///
/// The protocol has no flow control of its own: what a server sends of a stream comes, and everything
/// else that the connection carries comes behind it.
public enum StreamPlacement: Hashable, Sendable {
    /// A connection of its own, except where a driver keeps its state for each connection apart (such as
    /// `test:///FILE.xml`). Where none can be had no stream is opened: over the shared one a slow reader
    /// loses its stream, and a slow disk of the daemon's holds up every call, so that is for the caller to say.
    case automatic
    /// A connection of its own, opened as the first one was, and kept for the next use. A reader may
    /// be as slow as it likes: the server waits.
    case ownConnection
    /// The connection that calls go over. A reader that leaves more than 4 MiB unread loses the stream.
    case shared
}

extension LibvirtURI {
    /// Whether two connections with this URI meet the same objects.
    var isSharedAmongConnections: Bool { driver != "test" || path == "/default" }
}
