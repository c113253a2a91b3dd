internal import LinuxIO

/// An authority of a test's own, which issues certificates, and takes them back, with `openssl`.
///
/// One at a time: its database is a few files.
public struct TestAuthority: Sendable {
    /// What a certificate is for.
    public enum Role: String, Sendable {
        /// A libvirt daemon.
        case server
        /// Who connects to one.
        case client
    }

    /// Where its files lie: `cacert.pem` and what it has issued.
    public let directory: String

    /// Makes an authority.
    ///
    /// - Parameter directory: an existing, empty directory.
    /// - Throws: `TestAuthorityError` with openssl's own words.
    public init(in directory: String) async throws {
        self.directory = directory
        try await run(Self.founding)
    }

    /// Issues a certificate: `<role>cert.pem` and `<role>key.pem`.
    ///
    /// - Parameters:
    ///   - names: what it is for, as openssl writes it: `DNS:host,IP:127.0.0.1`.
    ///   - isExpired: makes it one of long ago.
    public func issue(
        _ role: Role, names: String = "DNS:localhost", isExpired: Bool = false
    ) async throws {
        try await run(Self.issuing, [role.rawValue, names, isExpired ? "2001" : "2049"])
    }

    /// Takes a certificate back: it is in `cacrl.pem` from now on.
    public func revoke(_ role: Role) async throws {
        try await run(Self.revoking, [role.rawValue])
    }

    /// Makes a directory that a client can be pointed to by `pkipath`, with some of the files.
    ///
    /// - Returns: its path.
    public func pkiDirectory(_ name: String, with files: [String]) async throws -> String {
        try await run(#"name="$1"; shift; mkdir "$name"; cp "$@" "$name/""#, [name] + files)
        return "\(directory)/\(name)"
    }

    private func run(_ script: String, _ arguments: [String] = []) async throws {
        let child = try await ChildProcess(
            ["sh", "-euc", "cd \"$1\"; shift\n" + script, "sh", directory] + arguments)
        guard await child.waitForEnd() == 0 else { throw TestAuthorityError(output: child.output) }
    }

    private static let founding = """
        cat >ca.conf <<EOF
        [ca]
        default_ca = own
        [own]
        database = $PWD/index.txt
        crlnumber = $PWD/crlnumber
        new_certs_dir = $PWD
        private_key = $PWD/cakey.pem
        certificate = $PWD/cacert.pem
        default_md = sha256
        default_crl_days = 1
        rand_serial = yes
        unique_subject = no
        policy = anything
        [anything]
        commonName = supplied
        [req]
        distinguished_name = none
        [none]
        [authority]
        basicConstraints = critical,CA:true
        keyUsage = critical,keyCertSign,cRLSign
        subjectKeyIdentifier = hash
        EOF
        : >index.txt
        echo 01 >crlnumber
        openssl req -config ca.conf -extensions authority -x509 -days 2 -nodes -newkey ec \
            -pkeyopt ec_paramgen_curve:prime256v1 -subj "/CN=authority $$" \
            -keyout cakey.pem -out cacert.pem
        """

    private static let issuing = """
        printf '%s\\n' 'basicConstraints = critical,CA:false' \
            'keyUsage = critical,digitalSignature,keyEncipherment' "extendedKeyUsage = $1Auth" \
            "subjectAltName = $2" >extensions.conf
        openssl req -config ca.conf -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
            -subj "/CN=the $1" -keyout "$1key.pem" -out request.pem
        openssl ca -config ca.conf -batch -notext -extfile extensions.conf -in request.pem \
            -startdate 20000101000000Z -enddate "${3}0101000000Z" -out "$1cert.pem"
        """

    private static let revoking = """
        openssl ca -config ca.conf -revoke "$1cert.pem"
        openssl ca -config ca.conf -gencrl -out cacrl.pem
        """
}

/// A certificate that could not be made.
public struct TestAuthorityError: Error, CustomStringConvertible {
    /// What openssl wrote.
    public let output: String

    /// What openssl wrote last.
    public var description: String { "openssl failed: \(output.suffix(2000))" }
}
