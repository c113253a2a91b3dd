public import LibvirtProtocol

/// What a volume is, and how big. Source: `virStorageVolInfo`.
public struct StorageVolumeInfo: Hashable, Sendable {
    /// File, block device, directory and so on.
    public let type: virStorageVolType
    /// The bytes that its user sees.
    public let capacity: UInt64
    /// The bytes that it takes of the pool; with `.getPhysical` the container's own size.
    public let allocation: UInt64

    /// As either of the two replies tells it.
    fileprivate init(_ type: Int8, _ capacity: UInt64, _ allocation: UInt64) {
        self.type = virStorageVolType(rawValue: Int32(type))
        self.capacity = capacity
        self.allocation = allocation
    }
}

extension StorageVolume {
    /// What the volume is, and how big. Source: `virStorageVolGetInfoFlags`, and without flags
    /// `virStorageVolGetInfo`, which older daemons know, too.
    public func info(
        flags: virStorageVolInfoFlags = []
    ) async throws(LibvirtError) -> StorageVolumeInfo {
        if flags.isEmpty {
            let result = try await connection.call(
                Remote.STORAGE_VOL_GET_INFO, remote_storage_vol_get_info_args(vol: raw))
            return StorageVolumeInfo(result.type, result.capacity, result.allocation)
        }
        let result = try await connection.call(
            Remote.STORAGE_VOL_GET_INFO_FLAGS,
            remote_storage_vol_get_info_flags_args(vol: raw, flags: flags.rawValue))
        return StorageVolumeInfo(result.type, result.capacity, result.allocation)
    }
}
