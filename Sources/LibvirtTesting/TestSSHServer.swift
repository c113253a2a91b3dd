internal import Glibc
internal import LinuxIO

/// A real ssh server of a test's own, on a loopback address and with keys of its own, which sees the
/// sockets of a test's libvirt daemon as a far host's.
///
/// It needs root, as the daemon does, `sshd`, `ssh-keygen` and `nsenter`. It lets root in by a key.
public final class TestSSHServer: Sendable {
    /// Where its files lie: `key` is what a client logs in with, `known_hosts` what it may trust.
    public let directory: String
    /// The address on which it listens.
    public let address: String
    /// The port on which it listens.
    public let port: UInt16
    private let process: ChildProcess

    private static let patience = Duration.seconds(30)

    /// Starts a server and waits until it listens.
    ///
    /// - Parameters:
    ///   - directory: an existing directory of its own.
    ///   - daemon: whose sockets the server's users see at their usual places.
    ///   - path: the PATH of the server's users, where not the usual one.
    /// - Throws: `TestSSHServerError` with the server's own words when it does not come up.
    public init(
        in directory: String, beside daemon: TestLibvirtd, path: String? = nil
    ) async throws {
        self.directory = directory
        address = TestLibvirtd.Network.loopbackAddress()
        port = UInt16.random(in: 20_000...30_000)
        process = try await ChildProcess([
            "nsenter", "--mount", "--target", String(daemon.processID ?? 0), "sh", "-c",
            Self.script, "sh", directory, address, String(port), path ?? "/usr/bin:/bin:/usr/sbin",
        ])
        let end = ContinuousClock.now + Self.patience
        while !process.output.contains("Server listening") {
            guard process.status == nil, ContinuousClock.now < end else {
                process.kill()
                throw TestSSHServerError(output: process.output)
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    deinit { process.kill() }

    /// Ends it, and waits until it has gone; its sessions end with their clients.
    public func stop() async {
        process.signal(SIGTERM)
        await process.waitForEnd()
    }

    /// The parameters of a URI that let ssh log in here without a question.
    public var parameters: String {
        "keyfile=\(directory)/key&known_hosts=\(directory)/known_hosts&no_tty=1"
    }

    /// What it has logged so far.
    public var log: String { process.output }

    /// Its arguments: the directory, the address, the port and the PATH.
    private static let script = """
        set -eu
        umask 077
        cd "$1"
        ssh-keygen -q -t ed25519 -N '' -f host_key
        ssh-keygen -q -t ed25519 -N '' -f key
        cp key.pub authorized_keys
        printf '[%s]:%s %s\\n' "$2" "$3" "$(cat host_key.pub)" >known_hosts
        printf '%s\\n' "ListenAddress $2" "Port $3" "HostKey $1/host_key" "PidFile none" \
            "AuthorizedKeysFile $1/authorized_keys" 'StrictModes no' 'UsePAM no' \
            'PasswordAuthentication no' 'KbdInteractiveAuthentication no' \
            'PermitRootLogin prohibit-password' "SetEnv PATH=$4" >sshd_config
        mkdir -p /run/sshd
        exec /usr/sbin/sshd -D -e -f "$1/sshd_config"
        """
}

/// A server that did not come up.
public struct TestSSHServerError: Error, CustomStringConvertible {
    /// What it wrote.
    public let output: String

    /// What it wrote last.
    public var description: String {
        "sshd did not come up (root, openssh-server and util-linux are needed): "
            + "\(output.suffix(2000))"
    }
}
