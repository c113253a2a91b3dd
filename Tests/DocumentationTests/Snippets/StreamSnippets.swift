import Libvirt
import LibvirtProtocol
import LibvirtRPC

enum StreamSnippets {
    static func files(_ pool: StoragePool, backup: String) async throws {
        // snippet
        let volume = try await pool.lookUpStorageVolume(name: "vm.img")
        try await volume.download(toFile: backup) { progress in
            print("\(progress.byteCount) bytes, \(progress.transferredByteCount) of them sent")
        }
        try await volume.upload(file: backup)
        // end
    }

    static func pieces(_ volume: StorageVolume) async throws {
        // snippet
        let stream = try await volume.download(flags: .sparseStream)
        for try await item in stream {
            switch item {
            case .data(let bytes): print("\(bytes.count) bytes")
            case .hole(let length): print("a hole of \(length) bytes")
            }
        }
        try await stream.finish()
        // end
    }

    static func console(_ domain: Domain) async throws {
        // snippet
        let console = try await domain.openConsole()
        async let greeting = firstLine(of: console)
        try await console.send(Array("hello\n".utf8))
        print(try await greeting)
        console.abort()
        // end
    }

    private static func firstLine(of console: DataStream) async throws -> String {
        var line: [UInt8] = []
        for try await item in console {
            guard case .data(let bytes) = item else { continue }
            line += bytes
            if line.contains(0x0A) { break }
        }
        return String(decoding: line.prefix { $0 != 0x0A }, as: UTF8.self)
    }

    static func screenshot(_ domain: Domain) async throws {
        // snippet
        let (type, picture) = try await domain.screenshot()
        var image: [UInt8] = []
        for try await item in picture {
            if case .data(let bytes) = item { image += bytes }
        }
        try await picture.finish()
        print(type ?? "unknown type", image.count)
        // end
    }

    static func readme(
        _ connection: Connection, _ domain: Domain, backup: String
    ) async throws {
        // snippet
        let volume = try await connection.lookUpStorageVolume(
            path: "/var/lib/libvirt/images/vm.img")
        try await volume.download(toFile: backup) { print($0.byteCount) }  // holes stay holes
        let console = try await domain.openConsole()
        try await console.send(Array("\n".utf8))
        for try await item in console { print(item) }  // both ways at once
        // end
    }
}
