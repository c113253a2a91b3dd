import Libvirt
import LibvirtRPC

extension DataStream {
    /// All that comes, with holes as zeros.
    func collect() async throws -> [UInt8] {
        var all: [UInt8] = []
        for try await item in self {
            switch item {
            case .data(let bytes): all += bytes
            case .hole(let length): all += [UInt8](repeating: 0, count: Int(length))
            }
        }
        return all
    }
}
