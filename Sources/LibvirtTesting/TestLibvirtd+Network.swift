extension TestLibvirtd {
    /// How a daemon listens on a network: on a loopback address of its own, and so on libvirt's
    /// usual port whatever else runs on the machine.
    public struct Network: Hashable, Sendable {
        /// The address on which it listens.
        public let address: String
        /// The lines of libvirtd.conf that say so.
        let configuration: String

        /// Plain TCP.
        ///
        /// - Parameter authentication: `none` lets anybody in; `sasl` wants a login, and a mechanism
        ///   that protects the connection.
        public static func tcp(authentication: String = "none") -> Network {
            let address = loopbackAddress()
            return Network(
                address: address,
                configuration: """
                    listen_tls = 0
                    listen_tcp = 1
                    listen_addr = "\(address)"
                    auth_tcp = "\(authentication)"

                    """)
        }

        private static func loopbackAddress() -> String {
            let bytes = [127] + (0..<3).map { _ in Int.random(in: 2...254) }
            return bytes.map(String.init).joined(separator: ".")
        }
    }
}
