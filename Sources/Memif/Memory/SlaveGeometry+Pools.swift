internal import LinuxIO

extension SlaveGeometry {
    /// How many buffers the rings take from a pool.
    func bufferCount(fromPool number: Int) -> Int {
        rings.count { pool(Int($0.index)) == number } * ringSize
    }

    /// Takes a buffer for each slot, ring after ring, from the rings' pools.
    ///
    /// - Throws: `SystemError` with ENOBUFS when a pool has not as many: then none is taken.
    func takeBuffers(from pools: [BufferPool]) throws(SystemError) -> [UInt32] {
        var taken: [ArraySlice<UInt32>] = []
        do throws(SystemError) {
            for (number, pool) in pools.enumerated() {
                taken.append(try pool.take(bufferCount(fromPool: number))[...])
            }
        } catch {
            for (pool, offsets) in zip(pools, taken) { pool.give(Array(offsets)) }
            throw error
        }
        var table: [UInt32] = []
        for ring in rings {
            guard let number = pool(Int(ring.index)) else { continue }
            table += taken[number].prefix(ringSize)
            taken[number] = taken[number].dropFirst(ringSize)
        }
        return table
    }

    /// Gives the buffers back, ring after ring, each to its ring's pool.
    func giveBuffers(_ table: [UInt32], to pools: [BufferPool]) {
        for (position, ring) in rings.enumerated() {
            guard let number = pool(Int(ring.index)) else { continue }
            pools[number].give(Array(table.dropFirst(position * ringSize).prefix(ringSize)))
        }
    }
}
