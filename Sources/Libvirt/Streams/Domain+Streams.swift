public import LibvirtProtocol
internal import XDR

extension Domain {
    /// Opens a console of the domain's, in both directions.
    ///
    /// - Parameters:
    ///   - device: the alias of a console, serial or parallel device; nil for the first one.
    ///   - flags: `.force` ends another's session; `.safe` refuses where others could not be kept out.
    /// - Throws: `LibvirtError`.
    ///
    /// Source: `virDomainOpenConsole`, since libvirt 0.8.6. Refused on a read-only connection.
    public func openConsole(
        device: String? = nil, flags: virDomainConsoleFlags = [],
        placement: StreamPlacement = .automatic
    ) async throws(LibvirtError) -> DataStream {
        try await connection.openStream(
            Remote.DOMAIN_OPEN_CONSOLE,
            remote_domain_open_console_args(
                dom: raw, dev_name: device.map { XDRString($0) }, flags: flags.rawValue),
            placement: placement
        ).stream
    }

    /// Opens a channel to a program in the guest, in both directions.
    ///
    /// - Parameters:
    ///   - name: the channel's target name or alias; nil for the first one.
    ///   - flags: `.force` ends another's session.
    /// - Throws: `LibvirtError`.
    ///
    /// Source: `virDomainOpenChannel`, since libvirt 1.0.2. Refused on a read-only connection.
    public func openChannel(
        name: String? = nil, flags: virDomainChannelFlags = [],
        placement: StreamPlacement = .automatic
    ) async throws(LibvirtError) -> DataStream {
        try await connection.openStream(
            Remote.DOMAIN_OPEN_CHANNEL,
            remote_domain_open_channel_args(
                dom: raw, name: name.map { XDRString($0) }, flags: flags.rawValue),
            placement: placement
        ).stream
    }

    /// Takes a picture of a screen, and opens a stream that brings it.
    ///
    /// - Parameter screen: its number, 0 for the first.
    /// - Returns: the picture's MIME type, such as `image/x-portable-pixmap`, and the stream.
    /// - Throws: `LibvirtError`.
    ///
    /// Source: `virDomainScreenshot`, since libvirt 0.9.2. Refused on a read-only connection.
    public func screenshot(
        screen: UInt32 = 0, placement: StreamPlacement = .automatic
    ) async throws(LibvirtError) -> (mimeType: String?, stream: DataStream) {
        let (result, stream) = try await connection.openStream(
            Remote.DOMAIN_SCREENSHOT,
            remote_domain_screenshot_args(dom: raw, screen: screen, flags: 0),
            placement: placement)
        return (result.mime?.text, stream)
    }
}
