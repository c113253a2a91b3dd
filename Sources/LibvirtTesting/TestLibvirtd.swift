internal import Glibc
internal import LinuxIO
internal import Synchronization

/// A real libvirt daemon of a test's own, which meets no other daemon on the machine.
///
/// It runs in a mount namespace in which everything that libvirt keeps in /etc, /run and /var lies
/// under one directory, so it needs root (as libvirtd does), libvirtd itself, and util-linux. Each is
/// a host of its own to the others, so that domains can move between them.
public final class TestLibvirtd: Sendable {
    /// Where everything lies that it keeps. The caller makes and removes it.
    public let directory: String
    private let process: Mutex<ChildProcess?>
    /// The one before, which was killed and may take a moment to be gone.
    private let killed = Mutex<ChildProcess?>(nil)
    private let wantsQEMU: Bool
    /// Where it listens on a network; nil where it does not.
    public let network: Network?
    private let sasl: SASLSetup?
    private let configuration: [String]

    private static let patience = Duration.seconds(30)

    /// Starts a daemon and waits until it listens.
    ///
    /// - Parameters:
    ///   - directory: an existing directory of its own, with a short path.
    ///   - wantsQEMU: starts virtlogd beside it, which domains of `qemu:///system` need.
    ///   - network: lets it listen on a network port too.
    ///   - sasl: has clients of the socket log in; nil admits everybody. Needs `saslpasswd2`.
    ///   - configuration: more lines of libvirtd.conf, such as `max_clients = 1`.
    /// - Throws: `TestLibvirtdError` with the daemon's own words when it does not come up.
    public static func start(
        in directory: String, wantsQEMU: Bool = false, network: Network? = nil,
        sasl: SASLSetup? = nil, configuration: [String] = []
    ) async throws -> TestLibvirtd {
        let daemon = TestLibvirtd(
            directory, wantsQEMU: wantsQEMU, network: network, sasl: sasl,
            configuration: configuration)
        try await daemon.start()
        return daemon
    }

    private init(
        _ directory: String, wantsQEMU: Bool, network: Network?, sasl: SASLSetup?,
        configuration: [String]
    ) {
        self.directory = directory
        self.wantsQEMU = wantsQEMU
        self.network = network
        self.sasl = sasl
        self.configuration = configuration
        process = Mutex(nil)
    }

    deinit { kill() }

    /// The socket on which it listens.
    public var socketPath: String { "\(directory)/run/libvirt-sock" }

    /// A URI that leads to it.
    ///
    /// - Parameters:
    ///   - driver: such as `test` or `qemu`.
    ///   - path: such as `/default` or `/system`.
    public func uri(_ driver: String = "test", _ path: String = "/default") -> String {
        "\(driver)+unix://\(path)?socket=\(socketPath)"
    }

    /// Its process id; nil when it does not run.
    public var processID: Int32? {
        let number = process.withLock { $0?.processID } ?? 0
        return number > 0 ? number : nil
    }

    /// Ends it as an administrator would, and waits until it has gone.
    public func stop() async {
        guard let child = process.withLock({ $0.take() }) else { return }
        child.signal(SIGTERM)
        await child.waitForEnd()
        endVirtlogd()
    }

    /// Ends it at once, as a crash would; does not wait.
    public func kill() {
        if let child = process.withLock({ $0.take() }) {
            child.kill()
            killed.withLock { $0 = child }
        }
        endVirtlogd()
    }

    /// Starts it again after it has ended; what it keeps on disk is still there.
    public func start() async throws {
        // As long as it is there, its sockets answer in the place of the new one's.
        await killed.withLock { $0.take() }?.waitForEnd()
        let child = try await ChildProcess(
            [
                "unshare", "--mount", "sh", "-c", Self.script, "libvirtd", directory,
                wantsQEMU ? "yes" : "no", network?.configuration ?? "",
                configuration.map { $0 + "\n" }.joined(),
            ] + (sasl?.arguments ?? []))
        process.withLock { $0 = child }
        let end = ContinuousClock.now + Self.patience
        while await !isUp() {
            guard child.status == nil, ContinuousClock.now < end else {
                kill()
                throw TestLibvirtdError(output: child.output)
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Whether it listens wherever it should.
    private func isUp() async -> Bool {
        // The socket of its administration is the last of those that it always has.
        guard Self.accepts(adminSocketPath) else { return false }
        return await network?.accepts() ?? true
    }

    /// Whether somebody listens there: a socket that is bound and does not listen yet refuses.
    private static func accepts(_ path: String) -> Bool {
        guard let address = try? UnixAddress(path: path) else { return false }
        return (try? UnixSocket.connect(to: address, kind: .stream)) != nil
    }

    private func endVirtlogd() {
        guard wantsQEMU, let text = try? File.read("\(directory)/virtlogd.pid", limit: 64),
            let number = Int32(String(decoding: text, as: UTF8.self).filter(\.isNumber))
        else { return }
        _ = Glibc.kill(number, SIGTERM)
    }

    /// The command that the process becomes; its arguments: the directory, whether virtlogd is wanted,
    /// the lines of libvirtd.conf that make it listen on a network, more lines, and where SASL is wanted its
    /// mechanisms, then users and passwords in turn.
    private static let script = """
        set -eu
        mount --make-rprivate /
        mkdir -p "$1/run" "$1/lib" "$1/cache" "$1/log" "$1/etc"
        chmod 0755 "$1" "$1/run" "$1/lib" "$1/cache" "$1/log"
        rm -f "$1/run/libvirt-sock" "$1/run/libvirt-sock-ro" "$1/run/libvirt-admin-sock"
        directory="$1"; wants_qemu="$2"; network="$3"; more="$4"; shift 4
        auth=none
        if [ $# -gt 0 ]; then
            auth=sasl
            mkdir -p "$directory/sasl2"
            printf 'mech_list: %s\\nauxprop_plugin: sasldb\\nsasldb_path: %s\\n' "$1" \\
                "$directory/sasl2/users.db" >"$directory/sasl2/libvirt.conf"
            shift
            while [ $# -gt 0 ]; do
                printf %s "$2" | saslpasswd2 -p -c -a libvirt -f "$directory/sasl2/users.db" "$1"
                shift 2
            done
            export SASL_CONF_PATH="$directory/sasl2"
        fi
        set -- "$directory"
        if [ ! -e "$1/etc/libvirtd.conf" ]; then
            cp -a /etc/libvirt/. "$1/etc/"
            rm -rf "$1/etc/qemu/networks"
            printf 'auth_unix_rw = "%s"\\nauth_unix_ro = "none"\\nhost_uuid = "%s"\\n%s%s' "$auth" \\
                "$(cat /proc/sys/kernel/random/uuid)" "$network" "$more" >"$1/etc/libvirtd.conf"
            # Daemons beside one another would put domains of one name into the same group.
            echo 'cgroup_controllers = [ ]' >>"$1/etc/qemu.conf"
        fi
        for pair in run:/run/libvirt lib:/var/lib/libvirt cache:/var/cache/libvirt \\
            log:/var/log/libvirt etc:/etc/libvirt; do
            mkdir -p "${pair#*:}"
            mount --bind "$1/${pair%%:*}" "${pair#*:}"
        done
        # One that was told to end may have its place still.
        [ "$wants_qemu" = no ] || until virtlogd --daemon --pid-file "$1/virtlogd.pid"; do
            sleep 0.05
        done
        exec libvirtd --pid-file "$1/libvirtd.pid" ${network:+--listen}
        """
}

/// A daemon that did not come up.
public struct TestLibvirtdError: Error, CustomStringConvertible {
    /// What it wrote.
    public let output: String

    /// What it wrote last.
    public var description: String {
        "libvirtd did not come up (root, libvirtd and util-linux are needed): \(output.suffix(2000))"
    }
}
