internal import LinuxIO
internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// Holds a TLS connection back until both sides have admitted each other: a libvirt server says by one
/// byte that it takes our certificate, and closes without a word when it does not.
///
/// Source: `virnetclient.c`, virNetClientSetTLSSession.
final class AdmissionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private enum State { case handshake, admission, admitted, ended }

    /// What the server says when it takes our certificate.
    private static let welcome: UInt8 = 1

    /// Succeeds when the connection is ready for the first call.
    let admitted: EventLoopPromise<Void>
    private let settings: TLSSettings
    private let revocations: RevocationList?
    private let host: String
    private var state = State.handshake

    init(
        _ settings: TLSSettings, revocations: RevocationList?, host: String,
        admitted: EventLoopPromise<Void>
    ) {
        self.settings = settings
        self.revocations = revocations
        self.host = host
        self.admitted = admitted
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event, state == .handshake {
            do throws(AdmissionError) {
                try checkRevocation(context)
                state = .admission
            } catch {
                end(context, error)
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func checkRevocation(_ context: ChannelHandlerContext) throws(AdmissionError) {
        guard let revocations, let file = settings.revocations else { return }
        let handler = try? context.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self)
        // A server without a certificate, or with one that cannot be read, has proved nothing.
        guard let bytes = try? handler?.peerCertificate?.toDERBytes(),
            let isRevoked = revocations.revokes(bytes)
        else { throw .unreadableCertificate }
        if isRevoked { throw .revoked(list: file) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if state == .admitted { return context.fireChannelRead(data) }
        guard state == .admission else { return }
        // Before it is called, a server has nothing to say but this.
        guard unwrapInboundIn(data).readableBytesView.elementsEqual([Self.welcome]) else {
            return end(context, .noLibvirtServer)
        }
        do {
            // What comes next is for the link, which is not there yet.
            try context.channel.syncOptions?.setOption(.autoRead, value: false)
            state = .admitted
            admitted.succeed()
        } catch {
            end(context, .other("\(error)"))
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if state == .admitted { return context.fireErrorCaught(error) }
        end(context, AdmissionError(error, isHandshake: state == .handshake, settings, host: host))
    }

    func channelInactive(context: ChannelHandlerContext) {
        switch state {
        case .handshake: end(context, .endInHandshake)
        case .admission: end(context, .refused(settings.identity))
        case .admitted, .ended: break
        }
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        // For a connection that lost the race against that to another address of the host.
        admitted.fail(ChannelError.alreadyClosed)
    }

    private func end(_ context: ChannelHandlerContext, _ error: AdmissionError) {
        guard state != .ended else { return }
        state = .ended
        admitted.fail(error)
        context.close(promise: nil)
    }
}

/// Why a TLS connection came to nothing.
enum AdmissionError: Error {
    case untrusted(authorities: String)
    case wrongHost(String)
    case revoked(list: String)
    case unreadableCertificate
    case refused(TLSSettings.Identity?)
    case endInHandshake
    case noTLS
    case noLibvirtServer
    case other(String)

    init(_ error: any Error, isHandshake: Bool, _ settings: TLSSettings, host: String) {
        let words = "\(error)"
        if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname {
            self = .wrongHost(host)
        } else if words.contains("CERTIFICATE_VERIFY_FAILED") {
            self = .untrusted(authorities: settings.authorities)
        } else if words.contains("WRONG_VERSION_NUMBER") || words.contains("HTTP_REQUEST") {
            self = .noTLS
        } else if words.contains("_ALERT_"), !words.contains("PROTOCOL_VERSION"),
            !words.contains("HANDSHAKE_FAILURE") || settings.identity == nil
        {
            self = .refused(settings.identity)
        } else if !isHandshake {
            self = .refused(settings.identity)
        } else if error is IOError || words.contains("EOF during handshake") {
            self = .endInHandshake
        } else {
            self = .other(Self.name(in: words))
        }
    }

    /// Whether it must come to nothing again until somebody changes something. A server that ends the
    /// connection may have refused our certificate, or be on its way down.
    var isFinal: Bool {
        switch self {
        case .untrusted, .wrongHost, .revoked, .unreadableCertificate, .refused(nil): true
        case .refused, .endInHandshake, .noTLS, .noLibvirtServer, .other: false
        }
    }

    /// The part of BoringSSL's words that says something.
    private static func name(in words: String) -> String {
        guard let match = words.firstMatch(of: #/[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+/#) else {
            return words
        }
        return match.output.split(separator: "_").joined(separator: " ").lowercased()
    }
}

extension AdmissionError: CustomStringConvertible {
    var description: String {
        switch self {
        case .untrusted(let authorities):
            "its certificate is out of date, or is not vouched for by \(authorities)"
        case .wrongHost(let host):
            "its certificate is not for \(host); use a name that it holds, or make it one that does"
        case .revoked(let list): "its certificate has been revoked (\(list))"
        case .unreadableCertificate:
            "its certificate cannot be read, and so not be looked up among the revoked ones"
        case .refused(nil):
            "the server wants a client certificate, and there is none: put clientcert.pem and "
                + "clientkey.pem in place, or name their directory with pkipath"
        case .refused(let identity?):
            "the server refused our certificate \(identity.certificate): its log says why "
                + "(another authority, out of date, or not in its tls_allowed_dn_list)"
        case .endInHandshake: "the server ended the connection in the middle of the TLS handshake"
        case .noTLS: "the server does not speak TLS; is this the port of another transport?"
        case .noLibvirtServer: "it speaks TLS, but is no libvirt server"
        case .other(let problem): "the TLS handshake failed: \(problem)"
        }
    }
}
