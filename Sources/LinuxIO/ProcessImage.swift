// SAFETY of the whole file: C strings are copied by setenv, and those of the arguments live until execvp
// returns, which it does where it fails; then they are freed.

internal import CLinuxIO
internal import Glibc

/// The program that this process runs.
public enum ProcessImage {
    /// Becomes another program, found on the PATH, with the environment of this process and the same three
    /// standard descriptors. It has the same process id, and whoever waits for this program waits for that
    /// one.
    ///
    /// It gets descriptors as from a service manager, numbered from 3 on and waiting where nothing is there
    /// to be read; LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES tell of them (sd_listen_fds(3)). All others are
    /// closed, as far as they are close-on-exec.
    ///
    /// - Parameters:
    ///   - variables: to be set besides in the program's environment.
    ///   - passed: the descriptors.
    /// - Throws: `SystemError` where it cannot be: ENOENT where there is no such program, EACCES. Then this
    ///   program is of no use any more but for saying so: what was open at the numbers from 3 on may be gone.
    public static func become(
        _ arguments: [String], variables: [String: String] = [:],
        passing passed: consuming StoredDescriptors
    ) throws(SystemError) -> Never {
        let names = passed.names
        try number(passed.descriptors)
        let own = [
            "LISTEN_PID": "\(getpid())", "LISTEN_FDS": "\(names.count)",
            "LISTEN_FDNAMES": names.joined(separator: ":"),
        ]
        for (name, value) in variables.merging(own, uniquingKeysWith: { $1 }) {
            _ = unsafe setenv(name, value, 1)
        }
        // A thread of Swift's pool blocks most signals, and this program may ignore some; the next would too.
        _ = signal(SIGPIPE, SIG_DFL)
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        _ = unsafe pthread_sigmask(SIG_SETMASK, &signals, nil)
        var words: [UnsafeMutablePointer<CChar>?] = unsafe arguments.map { unsafe strdup($0) }
        unsafe words.append(nil)
        defer { unsafe words.forEach { unsafe free($0) } }
        let name = arguments.first ?? ""
        _ = unsafe execvp(name, words)
        throw SystemError(code: errno, operation: "start", subject: name)
    }

    /// Gives descriptors the numbers from 3 on, open for the program to come.
    private static func number(_ passed: consuming DescriptorQueue) throws(SystemError) {
        let first: Int32 = 3
        let end = first + Int32(passed.count)
        // Out of the way first: one may have a number that another is to have.
        var away = DescriptorQueue()
        while let descriptor = passed.popFirst() {
            try descriptor.setNonblocking(false)
            away.append(try OwnedDescriptor.duplicate(of: descriptor.rawValue, from: end))
        }
        for target in first..<end {
            guard let descriptor = away.popFirst() else { return }
            let number = descriptor.rawValue
            try systemCall("pass a descriptor") { dup2(number, target) }
        }
    }
}
