internal import Libvirt
internal import LibvirtProtocol
internal import MemifController
internal import XDR

/// An event as it is written out.
struct EventRecord: Encodable {
    let time: String
    let kind: String
    let domain: String
    let uuid: String
    let id: Int32?
    /// What happened, as names and values.
    let data: [String: String]

    init(_ event: DomainEvent) {
        time = Moment.text()
        kind = LibvirtNames.kind(event.kind)
        domain = event.name
        uuid = event.uuid.description
        id = event.id
        data = Self.data(of: event.content)
    }

    /// What stands above the lines, once the subscription does.
    static let header = "TIME                      KIND       DOMAIN  WHAT"

    /// One line for people.
    var line: String {
        let facts = data.sorted { $0.key > $1.key }.map { name, value in
            // What a lifecycle event's words mean needs no saying.
            kind == "lifecycle" ? value : "\(name) \(value)"
        }
        return [time, kind, domain, facts.joined(separator: " ")].joined(separator: "  ")
    }

    private static func data(of content: DomainEvent.Content) -> [String: String] {
        switch content {
        case .lifecycle(let type, let detail):
            return [
                "event": LibvirtNames.event(type),
                "detail": LibvirtNames.detail(detail, of: type),
            ]
        case .metadataChange(let type, let namespace):
            return [
                "type": LibvirtNames.name(type, without: "VIR_DOMAIN_METADATA_"),
                "namespace": namespace ?? "",
            ]
        default:
            return fields(of: content)
        }
    }

    /// What the other kinds carry, by the names that the protocol gives; the domain and the
    /// subscription's number are said, or nobody's concern.
    private static func fields(of content: DomainEvent.Content) -> [String: String] {
        guard let payload = Mirror(reflecting: content).children.first?.value else { return [:] }
        let children = Mirror(reflecting: payload).children
        if children.isEmpty { return ["value": "\(payload)"] }
        var fields: [String: String] = [:]
        for case (let label?, let value) in children where !["dom", "callbackID"].contains(label) {
            fields[label] = (value as? XDRString)?.text ?? "\(value)"
        }
        return fields
    }
}
