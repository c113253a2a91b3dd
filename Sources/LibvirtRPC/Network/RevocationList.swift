internal import SwiftASN1

/// Certificates that their authority has taken back.
///
/// The lists are files of this host's own, so nobody need have signed them, and one that is past its
/// time still revokes what it names: both are GnuTLS's view of them, and so libvirt's.
///
/// Source: RFC 5280, section 5.1.
struct RevocationList {
    /// A certificate, as its authority knows it: both parts in DER.
    private struct Entry: Hashable {
        let issuer: ArraySlice<UInt8>
        let serial: ArraySlice<UInt8>
    }

    private var entries: Set<Entry> = []

    /// Reads the lists in a PEM file; nil when there is none, or one that cannot be read.
    init?(pem: String) {
        guard let documents = try? PEMDocument.parseMultiple(pemString: pem) else { return nil }
        let lists = documents.filter { $0.discriminator == "X509 CRL" }
        guard !lists.isEmpty else { return nil }
        for list in lists {
            guard (try? add(DER.parse(list.derBytes))) == true else { return nil }
        }
    }

    /// Whether a certificate, in DER, is in one of the lists; nil when it cannot be read.
    func revokes(_ certificate: [UInt8]) -> Bool? {
        guard let root = try? DER.parse(certificate), let signed = root.children?.first,
            var parts = signed.children?[...]
        else { return nil }
        // The version stands in front, under a tag of its own, unless it is the first.
        if parts.first?.identifier.tagClass == .contextSpecific { parts.removeFirst() }
        // serialNumber, signature, issuer
        guard parts.count >= 3 else { return nil }
        parts = ArraySlice(parts)
        return entries.contains(
            Entry(
                issuer: parts[parts.startIndex + 2].encodedBytes,
                serial: parts[parts.startIndex].encodedBytes))
    }

    /// Adds the entries of a `CertificateList`; false when it is none.
    private mutating func add(_ list: ASN1Node) throws -> Bool {
        guard let signed = list.children?.first, var parts = signed.children?[...] else {
            return false
        }
        if parts.first?.identifier == .integer { parts.removeFirst() }
        // signature, issuer, thisUpdate
        guard parts.count >= 3 else { return false }
        let issuer = parts[parts.startIndex + 1].encodedBytes
        parts = parts.dropFirst(3)
        if parts.first?.identifier == .utcTime || parts.first?.identifier == .generalizedTime {
            parts.removeFirst()
        }
        guard let revoked = parts.first, revoked.identifier == .sequence else { return true }
        for entry in revoked.children ?? [] {
            guard let serial = entry.children?.first else { return false }
            entries.insert(Entry(issuer: issuer, serial: serial.encodedBytes))
        }
        return true
    }
}

extension ASN1Node {
    /// The parts of a constructed value; nil for a primitive one.
    fileprivate var children: [ASN1Node]? {
        guard case .constructed(let nodes) = content else { return nil }
        return Array(nodes)
    }
}
