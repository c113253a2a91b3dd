#if CyrusSASL

    import Foundation
    import Glibc
    import Libvirt
    import LibvirtTesting
    import LinuxIO
    import Testing

    /// A realm of a test's own, where `fred` and the daemon of one host have keys.
    private enum Realm {
        /// The realm's key server, once it answers.
        static func start(in directory: String, host: String) async throws -> ChildProcess {
            let port = UInt16.random(in: 20_000...30_000)
            let server = try await ChildProcess([
                "sh", "-euc", script, "sh", directory, host, String(port),
            ])
            try await eventually("the realm is there") {
                server.status != nil || server.output.contains("commencing operation")
            }
            #expect(server.status == nil, "\(server.output)")
            return server
        }

        /// Has Kerberos look there. It reads the environment, which is the whole process's.
        static func enter(_ directory: String, keytab: String = "fred") {
            for (name, value) in [
                ("KRB5_CONFIG", "\(directory)/krb5.conf"),
                ("KRB5CCNAME", "FILE:\(directory)/tickets-\(keytab)"),
                ("KRB5_CLIENT_KTNAME", "FILE:\(directory)/\(keytab).keytab"),
            ] {
                // SAFETY: both texts are copied; no other thread of this process reads them now.
                #expect(unsafe setenv(name, value, 1) == 0)
            }
        }

        private static let script = """
            cd "$1"
            cat >krb5.conf <<EOF
            [libdefaults]
            default_realm = VIRTWIRE.TEST
            dns_lookup_kdc = false
            dns_canonicalize_hostname = false
            rdns = false
            ignore_acceptor_hostname = true
            default_keytab_name = FILE:$1/service.keytab
            [realms]
            VIRTWIRE.TEST = {
                kdc = 127.0.0.1:$3
            }
            EOF
            cat >kdc.conf <<EOF
            [kdcdefaults]
            kdc_listen = 127.0.0.1:$3
            kdc_tcp_listen = 127.0.0.1:$3
            [realms]
            VIRTWIRE.TEST = {
                database_name = $1/principals
                key_stash_file = $1/stash
            }
            [logging]
            kdc = STDERR
            EOF
            export KRB5_CONFIG="$1/krb5.conf" KRB5_KDC_PROFILE="$1/kdc.conf" PATH="$PATH:/usr/sbin"
            kdb5_util create -s -P master
            kadmin.local addprinc -randkey fred
            kadmin.local ktadd -k fred.keytab fred
            for host in "$2" "$(uname -n)"; do
                kadmin.local addprinc -randkey "libvirt/$host"
                kadmin.local ktadd -k service.keytab "libvirt/$host"
            done
            exec krb5kdc -n
            """
    }

    @Suite("Kerberos, with a real libvirtd and a real key server", .timeLimit(.minutes(3)))
    struct KerberosTests {
        @Test("a ticket logs in over plain TCP and protects what is said; who has none is told")
        func tickets() async {
            await #expect(processExitsWith: .success) {
                let network = TestLibvirtd.Network.tcp(authentication: "sasl")
                let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
                    "krb-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
                ).path
                try FileManager.default.createDirectory(
                    atPath: directory, withIntermediateDirectories: false)
                defer { try? FileManager.default.removeItem(atPath: directory) }
                let server = try await Realm.start(in: directory, host: network.address)
                defer { server.kill() }
                Realm.enter(directory)
                let sasl = SASLSetup(mechanisms: ["GSSAPI"], users: [:])
                try await withDaemon(network: network, sasl: sasl) { daemon in
                    let uri = "test+tcp://\(network.address)/default"
                    let connection = try await Connection.open(uri)
                    let padding = String(repeating: "x", count: 1 << 18)
                    let domain = try await connection.defineDomain(
                        xml: testDomainXML(
                            "long", metadata: "<description>\(padding)</description>"))
                    #expect(try await domain.xml().contains(padding))
                    let admin = try await AdminConnection.open(daemon.adminURI)
                    let clients = try await admin.lookUpServer("libvirtd").listClients()
                    #expect(
                        try await clients.first?.info().saslUserName == "fred")
                    await admin.close()
                    await connection.close()

                    Realm.enter(directory, keytab: "nobody")
                    let error = await #expect(throws: LibvirtError.self) {
                        try await Connection.open(uri)
                    }
                    let text = error?.description ?? ""
                    #expect(text.contains("cannot log in to \(uri) by GSSAPI"), "\(text)")
                    #expect(text.contains("kinit gets one"), "\(text)")
                }
            }
        }
    }

#endif
