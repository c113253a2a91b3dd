import Libvirt

extension LibvirtBench {
    /// Sends zeros into a volume, or receives and forgets what is in one.
    static func moveVolume(
        _ connection: Connection, _ measure: String, _ path: String
    ) async throws -> Run {
        let volume = try await connection.lookUpStorageVolume(path: path)
        let capacity = try await volume.info().capacity
        let watch = Stopwatch()
        if measure == "upload" {
            let stream = try await volume.upload(length: capacity)
            // As much as the C client puts into one packet.
            let piece = [UInt8](repeating: 0, count: 262_120)
            var left = Int(capacity)
            while left > 0 {
                try await stream.send(left < piece.count ? Array(piece.prefix(left)) : piece)
                left -= piece.count
            }
            try await stream.finish()
        } else {
            let stream = try await volume.download()
            for try await _ in stream {}
            try await stream.finish()
        }
        return watch.stop(Int(capacity >> 20))
    }
}
