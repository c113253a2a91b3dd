internal import LinuxIO
internal import NIOCore
internal import NIOSSL

/// How a connection is secured: whom to trust, and who we are.
///
/// Source: libvirt's `docs/kbase/tlscerts.rst`, `virnettlscontext.c`.
public struct TLSSettings: Hashable, Sendable {
    /// Who a client says that it is. Both files are PEM.
    public struct Identity: Hashable, Sendable {
        /// The certificate's path; certificates between it and its authority may follow in the file.
        public var certificate: String
        /// The path of its private key.
        public var key: String

        /// Names the two files.
        public init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// The PEM file with the certificates of the authorities that vouch for servers.
    public var authorities: String
    /// The PEM file of certificates that are revoked; nil for none. The server's own is looked up in it, and
    /// no authority between it and ours.
    public var revocations: String?
    /// Our own certificate; nil shows the server none, which most refuse.
    public var identity: Identity?
    /// Whether the server must prove who it is. Without it, anybody can be the server.
    public var verifiesServer = true
    /// Whether our own certificates are looked at before they are used: then a certificate that is
    /// out of date is found here, with its name, and not by the server, without a word.
    public var verifiesOwnCertificates = true
    /// Versions and cipher suites.
    public var priority = TLSPriority()

    /// Settings that trust some authorities.
    public init(authorities: String) {
        self.authorities = authorities
    }

    /// Reads the files.
    ///
    /// - Throws: `TLSSetupError`, which names the file and what is wrong with it.
    func makeContext() throws(TLSSetupError) -> TLSContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        priority.apply(to: &configuration)
        configuration.certificateVerification = verifiesServer ? .fullVerification : .none
        // libvirtd ends a connection without TLS's own farewell; there is nothing to wait for.
        configuration.shutdownTimeout = .milliseconds(200)
        if verifiesServer {
            configuration.trustRoots = .certificates(
                try certificates(authorities, "the authorities' certificates"))
        }
        if let identity {
            let chain = try certificates(identity.certificate, "our certificate")
            configuration.certificateChain = chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(try privateKey(identity.key))
        }
        do {
            return TLSContext(
                context: try NIOSSLContext(configuration: configuration),
                revocations: try readRevocations())
        } catch let error as TLSSetupError {
            throw error
        } catch {
            throw TLSSetupError(
                path: identity?.certificate ?? authorities,
                problem: "it cannot be used; does it belong to \(identity?.key ?? "its key")?")
        }
    }

    private func certificates(
        _ path: String, _ role: String
    ) throws(TLSSetupError) -> [NIOSSLCertificate] {
        let bytes = try TLSSetupError.read(path)
        guard let certificates = try? NIOSSLCertificate.fromPEMBytes(bytes), !certificates.isEmpty
        else {
            throw TLSSetupError(path: path, problem: "it should hold \(role), as PEM")
        }
        guard verifiesOwnCertificates else { return certificates }
        let now = SystemClock.secondsSince1970
        for certificate in certificates {
            guard certificate.notValidBefore <= now else {
                throw TLSSetupError(path: path, problem: "a certificate in it is not valid yet")
            }
            guard certificate.notValidAfter >= now else {
                throw TLSSetupError(path: path, problem: "a certificate in it has expired")
            }
        }
        return certificates
    }

    private func privateKey(_ path: String) throws(TLSSetupError) -> NIOSSLPrivateKey {
        let bytes = try TLSSetupError.read(path)
        do {
            return try NIOSSLPrivateKey(bytes: bytes, format: .pem)
        } catch {
            throw TLSSetupError(
                path: path, problem: "it should hold our private key, as PEM without a password")
        }
    }

    private func readRevocations() throws(TLSSetupError) -> RevocationList? {
        guard verifiesServer, let revocations else { return nil }
        let bytes = try TLSSetupError.read(revocations)
        guard let list = RevocationList(pem: String(decoding: bytes, as: UTF8.self)) else {
            throw TLSSetupError(
                path: revocations, problem: "it should hold a list of revoked certificates, as PEM")
        }
        return list
    }
}

/// Settings whose files have been read.
struct TLSContext {
    let context: NIOSSLContext
    let revocations: RevocationList?
}

/// A file that TLS needs and that cannot be used.
struct TLSSetupError: Error, CustomStringConvertible {
    let path: String
    let problem: String

    var description: String { "\(path): \(problem)" }

    /// No file of certificates is longer.
    private static let longestFile = 4 << 20

    static func read(_ path: String) throws(TLSSetupError) -> [UInt8] {
        do throws(SystemError) {
            return try File.read(path, limit: longestFile)
        } catch {
            throw TLSSetupError(path: path, problem: "it cannot be read: \(error.reason)")
        }
    }
}
