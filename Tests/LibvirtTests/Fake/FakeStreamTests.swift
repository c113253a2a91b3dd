import Glibc
import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import LinuxIO
import Synchronization
import Testing
import XDR

@Suite("Streams of a daemon that behaves as a real one does rarely", .timeLimit(.minutes(4)))
struct FakeStreamTests {
    private func volume(
        _ daemon: FakeLibvirtd
    ) async throws -> (connection: Connection, volume: StorageVolume) {
        daemon.serve(Remote.STORAGE_VOL_LOOKUP_BY_KEY) { arguments in
            .init(vol: .init(pool: "pool", name: "disk", key: arguments.key))
        }
        let connection = try await Connection.open(daemon.uri)
        return (connection, try await connection.lookUpStorageVolume(key: "disk"))
    }

    @Test("a console carries both directions at once")
    func duplex() async throws {
        try await withFake { daemon in
            daemon.serve(Remote.DOMAIN_LOOKUP_BY_NAME) { arguments in
                .init(dom: .init(name: arguments.name, uuid: remote_uuid(), id: 1))
            }
            daemon.serveStream(Remote.DOMAIN_OPEN_CONSOLE) { _ in
                (
                    XDRVoid(),
                    { stream in
                        // Answers each line before the next has come.
                        while case .data(let bytes)? = try? await stream.receive() {
                            try? await stream.send(bytes.reversed())
                        }
                        try? await stream.finish()
                    }
                )
            }
            let connection = try await Connection.open(daemon.uri)
            let console = try await connection.lookUpDomain(name: "vm").openConsole()
            for line in ["abc", "défg", "x"] {
                try await console.send(Array(line.utf8))
                #expect(try await console.receive() == .data(line.utf8.reversed()))
            }
            try await console.finish()
            await connection.close()
        }
    }

    @Test("a hole beyond every file ends the download, and the program lives on")
    func absurdHoles() async throws {
        try await withFake { daemon in
            daemon.serveStream(Remote.STORAGE_VOL_DOWNLOAD) { _ in
                (
                    XDRVoid(),
                    { stream in
                        try? await stream.sendHole(.max)
                        try? await stream.sendHole(.max)
                        _ = try? await stream.receive()
                    }
                )
            }
            let (connection, volume) = try await volume(daemon)
            let error = await #expect(throws: LibvirtError.self) {
                try await volume.download(toFile: "/tmp/never-\(UInt64.random(in: 0...UInt64.max))")
            }
            #expect(error?.description.contains("File too large") == true)
            await connection.close()
        }
    }

    @Test(
        "a file that becomes shorter while it is sent is no whole upload, in its data or in a hole",
        arguments: [true, false])
    func shortened(hasHole: Bool) async throws {
        try await withFake { daemon in
            daemon.serveStream(Remote.STORAGE_VOL_UPLOAD) { _ in
                (
                    XDRVoid(),
                    { stream in
                        while (try? await stream.receive()) != nil {}
                        try? await stream.finish()
                    }
                )
            }
            let (connection, volume) = try await volume(daemon)
            let path = daemon.socketPath + ".source"
            defer { _ = try? File.remove(path) }
            try File.replace(path, with: [UInt8](repeating: 1, count: hasHole ? 1 << 16 : 1 << 20))
            #expect(setSize(of: path, 1 << 20))
            let error = await #expect(throws: LibvirtError.self) {
                try await volume.upload(file: path) { _ in _ = setSize(of: path, 1 << 10) }
            }
            let text = error?.description ?? ""
            #expect(text.contains("the whole of \(path), which has become shorter"), "\(text)")
            await connection.close()
        }
    }

    @Test(
        "a transfer ends when its task is cancelled, however fast daemon and disk are",
        arguments: [true, false])
    func cancelledTransfer(isUpload: Bool) async throws {
        try await withFake { daemon in
            let pieces = 64
            daemon.serveStream(Remote.STORAGE_VOL_UPLOAD) { _ in
                (
                    XDRVoid(),
                    { stream in
                        while (try? await stream.receive()) != nil {}
                        try? await stream.finish()
                    }
                )
            }
            daemon.serveStream(Remote.STORAGE_VOL_DOWNLOAD) { _ in
                (
                    XDRVoid(),
                    { stream in
                        let piece = [UInt8](repeating: 1, count: LinkStream.longestPacket)
                        for _ in 0..<pieces { try? await stream.send(piece) }
                        try? await stream.finish()
                    }
                )
            }
            let (connection, volume) = try await volume(daemon)
            let path = daemon.socketPath + ".file"
            defer { _ = try? File.remove(path) }
            let bytes = [UInt8](repeating: 1, count: pieces * LinkStream.longestPacket)
            if isUpload { try File.replace(path, with: bytes) }
            let done = Mutex<Int64>(0)
            let progress: @Sendable (TransferProgress) -> Void = { progress in
                done.withLock { $0 = progress.byteCount }
                cancelThisTask()
            }
            let transfer = Task {
                if isUpload {
                    try await volume.upload(file: path, progress: progress)
                } else {
                    try await volume.download(toFile: path, progress: progress)
                }
            }
            guard case .failure(let error as LibvirtError) = await transfer.result,
                case .call(let call) = error.kind, case .cancelled = call.kind
            else {
                Issue.record("it went on to byte \(done.withLock(\.self))")
                return
            }
            #expect(done.withLock(\.self) == Int64(LinkStream.longestPacket))
            #expect(File.exists(path) == isUpload)
            await connection.close()
        }
    }

    @Test("a daemon that dies in the middle ends the stream with an error, not with an end of data")
    func lost() async throws {
        try await withFake { daemon in
            daemon.serveStream(Remote.STORAGE_VOL_DOWNLOAD) { _ in
                (
                    XDRVoid(),
                    { stream in
                        try? await stream.send([1, 2, 3])
                        _ = try? await stream.receive()
                    }
                )
            }
            let (_, volume) = try await volume(daemon)
            let stream = try await volume.download()
            #expect(try await stream.receive() == .data([1, 2, 3]))
            daemon.disconnectClients()
            let error = await #expect(throws: LibvirtError.self) { try await stream.receive() }
            #expect(error?.isConnectionLost == true)
        }
    }

    @Test(
        "connections of streams are kept for the next ones, few of them, and end with the first one"
    )
    func reuse() async throws {
        try await withFake { daemon in
            daemon.serveStream(Remote.STORAGE_VOL_DOWNLOAD) { _ in
                (
                    XDRVoid(),
                    { stream in
                        try? await stream.sendEndOfData()
                        _ = try? await stream.receive()
                        try? await stream.finish()
                    }
                )
            }
            let (connection, volume) = try await volume(daemon)
            for _ in 0..<5 {
                let stream = try await volume.download()
                #expect(try await stream.receive() == nil)
                try await stream.finish()
                #expect(daemon.clientCount == 2)
            }
            var streams: [DataStream] = []
            for _ in 0..<5 { streams.append(try await volume.download()) }
            #expect(daemon.clientCount == 6)
            for stream in streams { try await stream.finish() }
            try await eventually("the connections in excess are closed") {
                daemon.clientCount == 3
            }
            await connection.close()
            try await eventually("all are closed") { daemon.clientCount == 0 }
        }
    }

    @Test("a stream's connection asks for no pings, which nobody would answer, and no features")
    func noPings() async throws {
        try await withFake { daemon in
            let asked = Asked()
            daemon.serve(Remote.CONNECT_SUPPORTS_FEATURE) { arguments in
                await asked.note(arguments.feature)
                return .init(supported: 1)
            }
            daemon.serveStream(Remote.STORAGE_VOL_UPLOAD) { _ in
                (XDRVoid(), { stream in _ = try? await stream.receive() })
            }
            let (connection, volume) = try await volume(daemon)
            let features = await asked.features
            #expect(features.filter { $0 == 10 }.count == 1)
            _ = try await volume.upload()
            #expect(await asked.features == features)
            await connection.close()
        }
    }
}

private actor Asked {
    var features: [Int32] = []
    func note(_ feature: Int32) { features.append(feature) }
}

/// Cancels the task that calls this.
private func cancelThisTask() {
    // SAFETY: the task is running, and so alive.
    unsafe withUnsafeCurrentTask { task in unsafe task?.cancel() }
}

private func setSize(of path: String, _ size: Int) -> Bool {
    // SAFETY: the path lives through the call.
    unsafe truncate(path, size) == 0
}
