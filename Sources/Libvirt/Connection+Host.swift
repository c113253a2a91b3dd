public import LibvirtProtocol
internal import LibvirtRPC
internal import XDR

/// A version of libvirt or of a hypervisor: 9.0.0.
public typealias LibvirtVersion = LibvirtProtocol.LibvirtVersion

extension Connection {
    /// The host's name, as the daemon knows it. Source: `virConnectGetHostname`.
    public func hostname() async throws(LibvirtError) -> String {
        try await call(Remote.CONNECT_GET_HOSTNAME, XDRVoid()).hostname.text
    }

    /// The daemon's version. Source: `virConnectGetLibVersion`.
    public func libraryVersion() async throws(LibvirtError) -> LibvirtVersion {
        LibvirtVersion(
            number: try await call(Remote.CONNECT_GET_LIB_VERSION, XDRVoid()).lib_ver)
    }

    /// The hypervisor's version. Source: `virConnectGetVersion`.
    public func hypervisorVersion() async throws(LibvirtError) -> LibvirtVersion {
        LibvirtVersion(number: try await call(Remote.CONNECT_GET_VERSION, XDRVoid()).hv_ver)
    }

    /// The driver's name: `QEMU`, `TEST`. Source: `virConnectGetType`.
    public func hypervisorType() async throws(LibvirtError) -> String {
        try await call(Remote.CONNECT_GET_TYPE, XDRVoid()).type.text
    }

    /// The URI that the daemon has open. Source: `virConnectGetURI`.
    public func openedURI() async throws(LibvirtError) -> String {
        try await call(Remote.CONNECT_GET_URI, XDRVoid()).uri.text
    }

    /// What host and hypervisor can do, in XML. Source: `virConnectGetCapabilities`.
    public func capabilities() async throws(LibvirtError) -> String {
        try await call(Remote.CONNECT_GET_CAPABILITIES, XDRVoid()).capabilities.text
    }

    /// Whether nobody on the way can read what is said, up to the hypervisor: hidden as far as the daemon by
    /// TLS, by ssh or by the security layer of SASL, and safe behind it as the daemon says.
    ///
    /// Source: `virConnectIsEncrypted`, which does not count ssh.
    public func isEncrypted() async throws(LibvirtError) -> Bool {
        let isServerSecure = try await isServerSecure()
        return isServerSecure && isHidden
    }

    /// Whether nobody on the way can read what is said, or nothing is said outside of the host,
    /// from here up to the hypervisor.
    ///
    /// Source: `virConnectIsSecure`.
    public func isSecure() async throws(LibvirtError) -> Bool {
        let isServerSecure = try await isServerSecure()
        return isServerSecure && (isHidden || uri.transport == .unix)
    }

    private func isServerSecure() async throws(LibvirtError) -> Bool {
        try await call(Remote.CONNECT_IS_SECURE, XDRVoid()).secure != 0
    }

    /// Whether nobody between here and the daemon can read what is said.
    private var isHidden: Bool {
        switch uri.transport {
        case .tls, .ssh, .libssh, .libssh2: true
        case .unix, .tcp, .ext: link.isEncrypted
        }
    }
}
