internal import Glibc
internal import LinuxIO

/// The daemon of a user's session, which its first client starts. It ends by itself when nobody has
/// needed it for two minutes.
///
/// Source: `virnetsocket.c`, virNetSocketNewConnectUNIX; `remote_sockets.c`, remoteGetDaemonPathEnv.
struct SessionDaemon {
    /// Such as `virtqemud`.
    let name: String
    let surroundings: Surroundings

    /// How long another client may take to start it, and a daemon to say that it runs.
    private static let patience = Duration.seconds(30)
    private static let pause = Duration.milliseconds(20)
    private static let idleSeconds = 120

    /// Whether it may be started at all.
    var mayStart: Bool { surroundings.variable("LIBVIRT_AUTOSTART") != "0" }

    /// The command that starts it: it returns when the daemon listens.
    var command: [String] { [program, "--daemon", "--timeout=\(Self.idleSeconds)"] }

    /// Whether the environment says where it is, or it lies where it is usually installed.
    var isInstalled: Bool { place != nil }

    private var program: String { place ?? name }

    private var place: String? {
        let named = name == "libvirtd" ? "LIBVIRTD_PATH" : "VIRTD_PATH"
        if let path = surroundings.variable(named) { return path }
        // A user's PATH often lacks where it is.
        return ["/usr/sbin", "/usr/local/sbin"].map { "\($0)/\(name)" }
            .first(where: surroundings.fileExists)
    }

    /// Starts it, unless another client has by now.
    ///
    /// - Parameters:
    ///   - deadline: ends the wait for another client's start, and for its own.
    ///   - isUp: whether somebody listens.
    /// - Returns: what was done, in a few words.
    func start(
        loop: EventLoop, until deadline: ContinuousClock.Instant?, isUp: () -> Bool
    ) async throws(SessionDaemonError) -> String {
        let latest = ContinuousClock.now + Self.patience
        let end = deadline.map { min($0, latest) } ?? latest
        let lock: FileLock
        do throws(SystemError) {
            try Directory.ensurePath(surroundings.runtimeDirectory, mode: 0o700)
            lock = try await takeLock(until: end)
        } catch {
            throw SessionDaemonError(description: error.description)
        }
        let deed: String
        if isUp() {
            deed = "another client started \(name)"
        } else {
            // Whatever comes of it, the lock must be held until then.
            do throws(SessionDaemonError) {
                try await run(loop, until: end)
            } catch {
                _ = consume lock
                throw error
            }
            deed = "started \(command.joined(separator: " "))"
        }
        _ = consume lock
        return deed
    }

    private func run(
        _ loop: EventLoop, until end: ContinuousClock.Instant
    ) async throws(SessionDaemonError) {
        let process: SpawnedProgram
        do throws(SystemError) {
            process = try SpawnedProgram(command, loop: loop)
        } catch {
            throw SessionDaemonError(
                description: "\(error); install libvirt's daemon, or say in \(variable) where it is"
            )
        }
        _ = process.takeSocket()
        await withTaskCancellationHandler {
            await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
                process.whenEnded(within: ContinuousClock.now.duration(to: end)) { done.resume() }
            }
        } onCancel: {
            process.end {}
        }
        guard process.status == 0 else {
            if Task.isCancelled {
                throw SessionDaemonError(description: "its start was cancelled")
            }
            guard ContinuousClock.now < end else {
                throw SessionDaemonError(description: "\(program) does not start in time")
            }
            let words = process.errorOutput.split(whereSeparator: \.isNewline).last.map {
                ": \($0)"
            }
            throw SessionDaemonError(description: "\(program) does not start\(words ?? "")")
        }
    }

    private var variable: String { name == "libvirtd" ? "LIBVIRTD_PATH" : "VIRTD_PATH" }

    private func takeLock(
        until end: ContinuousClock.Instant
    ) async throws(SystemError) -> FileLock {
        let path = "\(surroundings.runtimeDirectory)/\(name).lock"
        while true {
            do throws(SystemError) {
                return try FileLock(path: path)
            } catch {
                guard error.code == EAGAIN, ContinuousClock.now < end, !Task.isCancelled else {
                    throw error
                }
            }
            try? await Task.sleep(for: Self.pause)
        }
    }
}

/// Why a session's daemon does not run.
struct SessionDaemonError: Error, CustomStringConvertible {
    let description: String
}
