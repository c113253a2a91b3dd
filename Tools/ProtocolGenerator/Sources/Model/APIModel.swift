/// The facts of libvirt's API descriptions: its enumerations.
///
/// The functions' facts are with the procedures that they call, in `ProcedureModel`.
struct APIModel: Codable, Hashable {
    struct Enumeration: Codable, Hashable {
        var name: String
        /// The header that defines it, without `.h`.
        var header: String
        /// Whether its members are bits to be combined.
        var isFlags: Bool
        var members: [Member]
    }

    struct Member: Codable, Hashable {
        var name: String
        var value: Int64
        /// The version that brought it.
        var since: String?
    }

    var source: ProtocolModel.Source
    var enumerations: [Enumeration]
}
