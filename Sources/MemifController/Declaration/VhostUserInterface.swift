internal import LibvirtRPC

/// A NIC of a domain whose other end is a vhost-user socket.
struct VhostUserInterface: Hashable, Sendable {
    /// Where it stands among the domain's interfaces, counted from 1.
    var place: Int
    /// The socket's path.
    var path: String
}

extension RuntimeLayout {
    /// Whether a path is below the runtime directory, however it is written.
    package func holds(_ path: String) -> Bool {
        let (own, others) = (Self.parts(of: runtimeDirectory), Self.parts(of: path))
        return others.count > own.count && others.starts(with: own)
    }

    private static func parts(of path: String) -> [Substring] {
        path.split(separator: "/").reduce(into: []) { parts, part in
            switch part {
            case ".": break
            case "..": _ = parts.popLast()
            default: parts.append(part)
            }
        }
    }
}

extension DeclaredPorts {
    /// Says of each interface whose socket would stand in the daemon's own directory that nobody serves it:
    /// such a path is a declaration, and of something that there is not.
    package mutating func refuseInterfaces(in layout: RuntimeLayout) {
        for interface in vhostUserInterfaces where layout.holds(interface.path) {
            add(
                DeclarationFinding(
                    severity: .error, element: "devices/interface[\(interface.place)]",
                    problem: "is of type vhostuser with the socket "
                        + "\(interface.path.printable(longest: 256)), in virtwired's own directory, "
                        + "and virtwired serves memif only: nobody will ever serve that path",
                    remedy: "declare a memif port in the domain's metadata in its place, or have a "
                        + "vhost-user back end of your own serve the interface at a path elsewhere")
            )
        }
    }
}
