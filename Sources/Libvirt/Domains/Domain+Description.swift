public import LibvirtProtocol
internal import XDR

extension Domain {
    /// The domain's description in XML: of the run while it is active, else of its definition.
    ///
    /// - Parameter flags: `.inactive` asks for the definition of an active domain.
    ///
    /// Source: `virDomainGetXMLDesc`.
    public func xml(flags: virDomainXMLFlags = []) async throws(LibvirtError) -> String {
        try await call(
            Remote.DOMAIN_GET_XML_DESC,
            remote_domain_get_xml_desc_args(dom: raw, flags: flags.rawValue)
        ).xml.text
    }

    /// Reads metadata.
    ///
    /// - Parameters:
    ///   - type: title, description, or an XML element of a namespace.
    ///   - namespace: the URI, for `.element`. The element comes back without prefix and `xmlns`.
    ///   - impact: which of the two descriptions is read: the run's or the definition's.
    /// - Returns: nil when there is none.
    ///
    /// Source: `virDomainGetMetadata`.
    public func metadata(
        _ type: virDomainMetadataType = .element, namespace: String? = nil,
        impact: virDomainModificationImpact = []
    ) async throws(LibvirtError) -> String? {
        do throws(LibvirtError) {
            return try await call(
                Remote.DOMAIN_GET_METADATA,
                remote_domain_get_metadata_args(
                    dom: raw, type: type.rawValue, uri: namespace.map { XDRString($0) },
                    flags: impact.rawValue)
            ).metadata.text
        } catch {
            if error.code == .noDomainMetadata { return nil }
            throw error
        }
    }

    /// Sets metadata, or removes it.
    ///
    /// - Parameters:
    ///   - value: the text, or one XML element; nil removes what is there.
    ///   - prefix: the namespace's prefix in the XML, for `.element`.
    ///   - namespace: the URI, for `.element`.
    ///   - impact: which description is changed. With neither flag it is that of the run while the
    ///     domain is active, and lost when it ends.
    ///
    /// Source: `virDomainSetMetadata`.
    public func setMetadata(
        _ value: String?, _ type: virDomainMetadataType = .element, prefix: String? = nil,
        namespace: String? = nil, impact: virDomainModificationImpact = []
    ) async throws(LibvirtError) {
        _ = try await call(
            Remote.DOMAIN_SET_METADATA,
            remote_domain_set_metadata_args(
                dom: raw, type: type.rawValue, metadata: value.map { XDRString($0) },
                key: prefix.map { XDRString($0) }, uri: namespace.map { XDRString($0) },
                flags: impact.rawValue))
    }
}
