internal import Glibc
internal import LibvirtProtocol
public import LibvirtRPC
internal import LinuxIO
internal import Synchronization
public import XDR

/// A stream of data between this program and a daemon: a volume's content, a console, a screenshot.
///
/// One task may receive while another sends. A stream is over when ``finish()`` has returned: a daemon
/// keeps what it has open for a stream until then. One that is let go of before that is given up.
///
///     let stream = try await volume.download()
///     for try await item in stream { … }
///     try await stream.finish()
///
/// Source: `virStreamPtr`.
public final class DataStream: Sendable {
    /// The connection of the object that the stream belongs to.
    public let connection: Connection
    /// The connection that carries it.
    private let carrying: Connection
    private let stream: LinkStream
    /// Whether the server was asked to tell holes from data.
    private let isSparse: Bool
    private let isOver = Atomic<Bool>(false)

    init(
        _ connection: Connection, carriedBy carrying: Connection, _ stream: LinkStream,
        isSparse: Bool
    ) {
        self.connection = connection
        self.carrying = carrying
        self.stream = stream
        self.isSparse = isSparse
    }

    deinit { leave(isReusable: false) }

    /// The next piece that the server has sent; nil when it sends no more.
    ///
    /// When the task is cancelled the wait ends, and the stream stands. What came before an error is
    /// received before it.
    ///
    /// - Throws: `LibvirtError`: what the server says went wrong, or that the connection was lost.
    ///
    /// Source: `virStreamRecv`, `virStreamRecvHole`.
    public func receive() async throws(LibvirtError) -> StreamItem? {
        do throws(RPCError) { return try await stream.receive() } catch { throw libvirt(error) }
    }

    /// Sends bytes; waits while the server takes none.
    ///
    /// - Throws: `LibvirtError`; part of the bytes may have gone.
    ///
    /// Source: `virStreamSend`.
    public func send(_ bytes: [UInt8]) async throws(LibvirtError) {
        do throws(RPCError) { try await stream.send(bytes) } catch { throw libvirt(error) }
    }

    /// Sends so many zeros: as a hole where the stream was opened for holes, else as they are.
    ///
    /// - Throws: `LibvirtError`; `.file` with EINVAL for a negative length.
    ///
    /// Source: `virStreamSendHole`.
    public func sendHole(_ length: Int64) async throws(LibvirtError) {
        guard length >= 0 else {
            let error = SystemError(
                code: EINVAL, operation: "send a hole", subject: "\(length) bytes long")
            throw LibvirtError(.file(error), uri: connection.uri.description)
        }
        do throws(RPCError) {
            if isSparse { return try await stream.sendHole(length) }
            var left = length
            let zeros = [UInt8](repeating: 0, count: LinkStream.longestPacket)
            while left > 0 {
                let part = zeros.prefix(Int(clamping: left))
                try await stream.send(part)
                left -= Int64(part.count)
            }
        } catch {
            throw libvirt(error)
        }
    }

    /// Ends the stream, and waits until the server says that its part is done: that what was sent has been
    /// written.
    ///
    /// - Throws: `LibvirtError`: above all what went wrong at the server's end.
    ///
    /// Source: `virStreamFinish`.
    public func finish() async throws(LibvirtError) {
        do throws(RPCError) {
            try await stream.finish()
        } catch {
            if case .cancelled = error.kind {} else { leave(isReusable: false) }
            throw libvirt(error)
        }
        leave(isReusable: true)
    }

    /// Gives the stream up, without waiting. Does nothing to one that has ended.
    ///
    /// Source: `virStreamAbort`.
    public func abort() {
        stream.abort()
        leave(isReusable: false)
    }

    private func leave(isReusable: Bool) {
        guard !isOver.exchange(true, ordering: .relaxed) else { return }
        if !isReusable { stream.abort() }
        if carrying !== connection {
            connection.sides?.giveBack(carrying, isReusable: isReusable)
        }
    }

    private func libvirt(_ error: RPCError) -> LibvirtError {
        LibvirtError(error, uri: connection.uri.description)
    }
}

extension DataStream: AsyncSequence {
    /// Receives pieces; see ``receive()``.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let stream: DataStream

        /// The next piece; nil when the server sends no more. The stream is still to be finished.
        public mutating func next() async throws(LibvirtError) -> StreamItem? {
            try await stream.receive()
        }

        /// As `next()`.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(LibvirtError) -> StreamItem? { try await stream.receive() }
    }

    /// Begins to receive: what another iterator has received is not received again.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: self) }
}

extension Connection {
    /// Calls a procedure that opens a stream.
    ///
    /// - Parameters:
    ///   - isSparse: whether the arguments ask for holes to be told from data.
    ///   - placement: which connection carries the stream.
    /// - Throws: `LibvirtError`; no stream is open then.
    public func openStream<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>, _ arguments: Arguments,
        isSparse: Bool = false, placement: StreamPlacement = .automatic,
        deadline: ContinuousClock.Instant? = nil
    ) async throws(LibvirtError) -> (result: Result, stream: DataStream) {
        let isOwn =
            switch placement {
            case .automatic: uri.isSharedAmongConnections
            case .ownConnection: true
            case .shared: false
            }
        let carrying =
            isOwn ? try await sides?.take(parameters, deadline: deadline) ?? self : self
        do throws(RPCError) {
            let (result, stream) = try await carrying.link.openStream(
                procedure, arguments, deadline: CallDeadline.earliest(deadline))
            return (
                result,
                DataStream(self, carriedBy: carrying, stream, isSparse: isSparse)
            )
        } catch {
            // One whose call was given up may still bring the stream.
            if carrying !== self { sides?.giveBack(carrying, isReusable: !error.mayHaveRun) }
            throw LibvirtError(error, uri: uri.description)
        }
    }
}
