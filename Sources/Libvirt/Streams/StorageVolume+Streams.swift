public import LibvirtProtocol
internal import XDR

extension StorageVolume {
    /// Opens a stream that brings the volume's content.
    ///
    /// - Parameters:
    ///   - offset: where to begin, in bytes.
    ///   - length: how many bytes; 0 for all to the end.
    ///   - flags: `.sparseStream` has holes told from data.
    /// - Throws: `LibvirtError`.
    ///
    /// Source: `virStorageVolDownload`, since libvirt 0.9.0. Refused on a read-only connection.
    public func download(
        offset: UInt64 = 0, length: UInt64 = 0, flags: virStorageVolDownloadFlags = [],
        placement: StreamPlacement = .automatic
    ) async throws(LibvirtError) -> DataStream {
        try await connection.openStream(
            Remote.STORAGE_VOL_DOWNLOAD,
            remote_storage_vol_download_args(
                vol: raw, offset: offset, length: length, flags: flags.rawValue),
            isSparse: flags.contains(.sparseStream), placement: placement
        ).stream
    }

    /// Opens a stream that takes the volume's content.
    ///
    /// - Parameters:
    ///   - offset: where to begin, in bytes.
    ///   - length: how many bytes will come; 0 for as many as the volume has room for.
    ///   - flags: `.sparseStream` allows holes.
    /// - Throws: `LibvirtError`.
    ///
    /// Source: `virStorageVolUpload`, since libvirt 0.9.0. Refused on a read-only connection.
    public func upload(
        offset: UInt64 = 0, length: UInt64 = 0, flags: virStorageVolUploadFlags = [],
        placement: StreamPlacement = .automatic
    ) async throws(LibvirtError) -> DataStream {
        try await connection.openStream(
            Remote.STORAGE_VOL_UPLOAD,
            remote_storage_vol_upload_args(
                vol: raw, offset: offset, length: length, flags: flags.rawValue),
            isSparse: flags.contains(.sparseStream), placement: placement
        ).stream
    }
}
