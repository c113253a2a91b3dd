import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import Testing

@Suite("The console and the screen of a real guest", .serialized, .timeLimit(.minutes(3)))
struct ConsoleTests {
    /// Reads until nothing more comes.
    ///
    /// - Returns: whether the connection was lost; nil for an end without an error.
    private func readToEnd(_ stream: DataStream) async -> Bool? {
        do {
            while try await stream.receive() != nil {}
            return nil
        } catch {
            return error.isConnectionLost
        }
    }

    @Test("text goes to the guest while its own comes; a picture of the screen is a picture")
    func console() async throws {
        let guest = try await Guest.built()
        try await withDaemon(wantsQEMU: true) { daemon in
            let connection = try await Connection.open(daemon.uri("qemu", "/system"))
            let domain = try await connection.createDomain(xml: guest.xml("console"))
            let stream = try await domain.openConsole(flags: .safe)
            let console = Console(stream)
            try await console.wait(for: "guest: up")
            for number in 0..<3 {
                try await stream.send(Array("hello \(number)\n".utf8))
                try await console.wait(for: "guest: heard hello \(number)")
            }
            let second = await #expect(throws: LibvirtError.self) {
                try await domain.openConsole(flags: .safe)
            }
            #expect(second?.description.contains("Active console session exists") == true)
            stream.abort()

            let (mimeType, picture) = try await domain.screenshot()
            #expect(mimeType?.hasPrefix("image/") == true)
            let bytes = try await picture.collect()
            try await picture.finish()
            #expect(bytes.starts(with: Array("P6".utf8)) || bytes.starts(with: [0x89, 0x50]))
            #expect(bytes.count > 1000)

            let last = try await domain.openConsole(flags: .force)
            try await domain.destroy()
            // The guest's end of the console is the stream's end, or its error.
            #expect(await readToEnd(last) != true)
            await connection.close()
        }
    }
}
