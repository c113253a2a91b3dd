internal import LibvirtRPC

extension TestLibvirtd {
    /// How a daemon listens on a network: on a loopback address of its own, and so on libvirt's
    /// usual port whatever else runs on the machine.
    public struct Network: Hashable, Sendable {
        /// The address on which it listens.
        public let address: String
        /// The port on which it listens.
        public let port: UInt16
        /// The lines of libvirtd.conf that say so.
        let configuration: String

        /// Plain TCP.
        ///
        /// - Parameter authentication: `none` lets anybody in; `sasl` wants a login, and a mechanism
        ///   that protects the connection.
        public static func tcp(authentication: String = "none") -> Network {
            let address = loopbackAddress()
            return Network(
                address: address, port: 16509,
                configuration: """
                    listen_tls = 0
                    listen_tcp = 1
                    listen_addr = "\(address)"
                    auth_tcp = "\(authentication)"

                    """)
        }

        /// TLS, on which whoever has a certificate of the authority's is let in.
        ///
        /// - Parameters:
        ///   - authority: has issued a certificate for the server.
        ///   - address: such as ``loopbackAddress()``; the certificate must be for it.
        ///   - port: libvirt's usual one, unless told otherwise.
        ///   - authentication: `sasl` wants a login behind the certificate.
        public static func tls(
            _ authority: TestAuthority, address: String, port: UInt16 = 16514,
            authentication: String = "none"
        ) -> Network {
            let own = authority.directory
            return Network(
                address: address, port: port,
                configuration: """
                    listen_tls = 1
                    listen_tcp = 0
                    listen_addr = "\(address)"
                    tls_port = "\(port)"
                    auth_tls = "\(authentication)"
                    ca_file = "\(own)/cacert.pem"
                    cert_file = "\(own)/servercert.pem"
                    key_file = "\(own)/serverkey.pem"

                    """)
        }

        /// Whether somebody accepts connections there.
        func accepts() async -> Bool {
            do throws(NetworkConnectionError) {
                let carrier = try await NetworkCarrier.connect(
                    host: address, port: port, timeout: .seconds(5))
                carrier.close(.closed)
                return true
            } catch {
                return false
            }
        }

        /// An address of this host that, with luck, nobody else uses.
        public static func loopbackAddress() -> String {
            let bytes = [127] + (0..<3).map { _ in Int.random(in: 2...254) }
            return bytes.map(String.init).joined(separator: ".")
        }
    }
}
