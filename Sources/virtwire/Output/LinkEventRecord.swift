internal import Memif
internal import MemifController

/// What happened to an interface, as it is written out.
struct LinkEventRecord: Encodable {
    /// What a line tells.
    enum Kind: String, Encodable {
        /// There is a link.
        case up
        /// It is over.
        case down
        /// An attempt at one failed.
        case failed
    }

    let time: String
    let event: Kind
    /// Who is at the other end, where somebody is.
    let peer: String?
    /// Why there is no link, where there is none.
    let reason: String?

    init(_ event: LinkEvent) {
        time = Moment.text()
        switch event {
        case .up(let link): (self.event, peer, reason) = (.up, link.terms.peerName, nil)
        case .down(let end): (self.event, peer, reason) = (.down, nil, "\(end)")
        case .failed(let end, _): (self.event, peer, reason) = (.failed, nil, "\(end)")
        }
    }

    /// For people.
    var text: String {
        switch event {
        case .up: "link up: \(peer ?? "")"
        case .down: "link down: \(reason ?? "")"
        case .failed: "no link: \(reason ?? "")"
        }
    }
}

/// Where an address is to be found.
struct AddressRecord: Encodable {
    let address: String
    let hardwareAddress: String
    /// The socket that leads to it, where that is ours.
    let socket: String?

    enum CodingKeys: String, CodingKey {
        case address, socket
        case hardwareAddress = "hardware_address"
    }

    init(_ address: IPv4Address, at hardwareAddress: MACAddress, on socket: String? = nil) {
        self.address = "\(address)"
        self.hardwareAddress = "\(hardwareAddress)"
        self.socket = socket
    }

    /// For people.
    var text: String {
        "\(address) is at \(hardwareAddress)" + (socket.map { " on \($0)" } ?? "")
    }
}
