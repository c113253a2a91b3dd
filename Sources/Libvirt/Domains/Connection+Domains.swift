public import LibvirtProtocol
internal import XDR

extension Connection {
    /// Finds a domain by its name.
    ///
    /// - Throws: `LibvirtError` with code `.noDomain` when there is none.
    ///
    /// Source: `virDomainLookupByName`.
    public func lookUpDomain(name: String) async throws(LibvirtError) -> Domain {
        let arguments = remote_domain_lookup_by_name_args(name: XDRString(name))
        return Domain(self, try await call(Remote.DOMAIN_LOOKUP_BY_NAME, arguments).dom)
    }

    /// Finds a domain by its identity. Source: `virDomainLookupByUUID`.
    public func lookUpDomain(uuid: LibvirtUUID) async throws(LibvirtError) -> Domain {
        let arguments = remote_domain_lookup_by_uuid_args(uuid: uuid.raw)
        return Domain(self, try await call(Remote.DOMAIN_LOOKUP_BY_UUID, arguments).dom)
    }

    /// Finds an active domain by its id. Source: `virDomainLookupByID`.
    public func lookUpDomain(id: Int32) async throws(LibvirtError) -> Domain {
        let arguments = remote_domain_lookup_by_id_args(id: id)
        return Domain(self, try await call(Remote.DOMAIN_LOOKUP_BY_ID, arguments).dom)
    }

    /// All domains, or those that the flags choose. Source: `virConnectListAllDomains`.
    public func listAllDomains(
        flags: virConnectListAllDomainsFlags = []
    ) async throws(LibvirtError) -> [Domain] {
        let arguments = remote_connect_list_all_domains_args(
            need_results: 1, flags: flags.rawValue)
        return try await call(Remote.CONNECT_LIST_ALL_DOMAINS, arguments).domains
            .map { Domain(self, $0) }
    }

    /// Defines a domain, or redefines one; an active one runs on as it is.
    ///
    /// Source: `virDomainDefineXMLFlags`.
    public func defineDomain(
        xml: String, flags: virDomainDefineFlags = []
    ) async throws(LibvirtError) -> Domain {
        let arguments = remote_domain_define_xml_flags_args(
            xml: XDRString(xml), flags: flags.rawValue)
        return Domain(self, try await call(Remote.DOMAIN_DEFINE_XML_FLAGS, arguments).dom)
    }

    /// Starts a transient domain, which has no definition. Source: `virDomainCreateXML`.
    public func createDomain(
        xml: String, flags: virDomainCreateFlags = []
    ) async throws(LibvirtError) -> Domain {
        let arguments = remote_domain_create_xml_args(
            xml_desc: XDRString(xml), flags: flags.rawValue)
        return Domain(self, try await call(Remote.DOMAIN_CREATE_XML, arguments).dom)
    }
}
