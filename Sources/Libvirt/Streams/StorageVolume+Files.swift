internal import LibvirtProtocol

extension StorageVolume {
    /// Fills the volume with a file's bytes.
    ///
    /// - Parameters:
    ///   - path: the file, which may be a device.
    ///   - offset: where in the volume to begin, in bytes.
    ///   - sparse: sends the file's holes as such, so that they take no room in the volume either.
    ///   - progress: called after each piece, on some thread: it must not wait.
    /// - Throws: `LibvirtError`; `.file` when the file cannot be read. The volume then holds part of it.
    ///   When the task is cancelled the transfer ends.
    ///
    /// Source: `virStreamSparseSendAll`.
    public func upload(
        file path: String, offset: UInt64 = 0, sparse: Bool = true,
        placement: StreamPlacement = .automatic,
        progress: (@Sendable (TransferProgress) -> Void)? = nil
    ) async throws(LibvirtError) {
        let transfer = try FileTransfer(
            uri: connection.uri.description, progress: progress)
        try await transfer.send(path) { (length) async throws(LibvirtError) in
            try await upload(
                offset: offset, length: UInt64(length), flags: sparse ? .sparseStream : [],
                placement: placement)
        }
    }

    /// Writes the volume's content into a file.
    ///
    /// The file is put in its place when it is whole, and replaces one that was there; until then, and
    /// after an error, nothing has changed. It is a new file, of this process's user and readable by that
    /// user alone; a symbolic link is replaced, not followed. A device or pipe is written into.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - offset: where in the volume to begin, in bytes.
    ///   - length: how many bytes; 0 for all to the end.
    ///   - sparse: leaves holes where the volume has some.
    ///   - progress: called after each piece, on some thread: it must not wait.
    /// - Throws: `LibvirtError`; `.file` when the file cannot be written. When the task is cancelled the
    ///   transfer ends.
    ///
    /// Source: `virStreamSparseRecvAll`.
    public func download(
        toFile path: String, offset: UInt64 = 0, length: UInt64 = 0, sparse: Bool = true,
        placement: StreamPlacement = .automatic,
        progress: (@Sendable (TransferProgress) -> Void)? = nil
    ) async throws(LibvirtError) {
        let transfer = try FileTransfer(
            uri: connection.uri.description, progress: progress)
        try await transfer.receive(path, total: length > 0 ? Int64(clamping: length) : nil) {
            (canHaveHoles) async throws(LibvirtError) in
            try await download(
                offset: offset, length: length,
                flags: sparse && canHaveHoles ? .sparseStream : [],
                placement: placement)
        }
    }
}
