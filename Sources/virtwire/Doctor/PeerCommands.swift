internal import MemifController

/// The command lines with which packet processors connect to a port, ready to paste.
struct PeerCommands: Encodable, Hashable {
    let vm: String
    let port: String
    let testpmd: String
    let vpp: String
    let virtwire: String

    /// - Parameter number: of the port among those that lines are given of: one VPP may be pasted all of them.
    init(vm: String, _ port: PortDeclaration, socket: String, number: Int = 1) {
        self.vm = vm
        self.port = port.name
        // The secret itself is the operator's to put in.
        let secret = port.secretReference == nil ? "" : "SECRET"
        let secretOption = secret.isEmpty ? "" : ",secret=\(secret)"
        testpmd =
            "dpdk-testpmd --no-huge -m 512 --no-pci --vdev=net_memif0,role=client,id=\(port.id),"
            + "socket=\(socket),socket-abstract=no\(secretOption) -- -i --total-num-mbufs=8192"
            + (port.queues > 1 ? " --rxq=\(port.queues) --txq=\(port.queues)" : "")
        let mode = port.mode == .ip ? " mode ip" : ""
        vpp =
            "create memif socket id \(number) filename \(socket)\n"
            + "create interface memif id \(port.id) socket-id \(number) slave\(mode)"
            + (port.queues > 1 ? " rx-queues \(port.queues) tx-queues \(port.queues)" : "")
            + (secret.isEmpty ? "" : " secret \(secret)")
            + "\nset interface state memif\(number)/\(port.id) up"
        virtwire =
            "virtwire memif bench --role slave --socket \(socket) --id \(port.id) --mode tx"
            + (secret.isEmpty ? "" : " --secret \(secret)")
    }

    /// What is most often forgotten.
    static let hint =
        "DPDK looks for an abstract socket unless socket-abstract=no is there, and its client never "
        + "connects a second time: link='always' keeps its port's link over restarts of the domain"

    /// For people.
    var lines: [String] {
        ["\(vm)/\(port)", "  DPDK:     \(testpmd)"]
            + vpp.split(separator: "\n").map { "  VPP:      \($0)" } + ["  virtwire: \(virtwire)"]
    }
}
