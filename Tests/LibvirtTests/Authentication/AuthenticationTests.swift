import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import Synchronization
import Testing
import XDR

@testable import Libvirt

@Suite("Authentication, with a daemon that does as it is told", .timeLimit(.minutes(2)))
struct AuthenticationTests {
    /// Options that log in as somebody, and read no file of the machine's.
    static func options(
        _ name: String = "fred", _ password: String = "secret"
    )
        -> AuthenticationOptions
    {
        AuthenticationOptions { _ in Credentials(name: name, password: password) }
    }

    private func refusal(
        of daemon: FakeLibvirtd, _ options: AuthenticationOptions = Self.options(),
        parameters: String = ""
    ) async -> LibvirtError? {
        do throws(LibvirtError) {
            let connection = try await Connection.open(
                daemon.uri + parameters, authentication: options)
            await connection.close()
            Issue.record("admitted")
            return nil
        } catch {
            return error
        }
    }

    @Test("each mechanism, and the strongest first")
    func mechanisms() async throws {
        try await withFake { daemon in
            for (offered, chosen) in [
                ("PLAIN", "PLAIN"), ("PLAIN,SCRAM-SHA-1", "SCRAM-SHA-1"),
                ("scram-sha-1,scram-sha-256", "SCRAM-SHA-256"),
                ("SCRAM-SHA-512,DIGEST-MD5,GSSAPI,PLAIN", "SCRAM-SHA-512"),
                ("PLAIN,EXTERNAL", "EXTERNAL"),
            ] {
                let sasl = FakeSASL(daemon, mechanisms: offered)
                let connection = try await Connection.open(
                    daemon.uri, authentication: Self.options())
                #expect(try await connection.hostname() == "fake")
                #expect(sasl.mechanism == chosen)
                await connection.close()
            }
        }
    }

    @Test("the URI chooses the way and the mechanism, and the options choose before it")
    func choosing() async throws {
        try await withFake { daemon in
            let sasl = FakeSASL(daemon, mechanisms: "PLAIN,SCRAM-SHA-1,SCRAM-SHA-256")
            for (text, method, chosen) in [
                ("&auth=sasl", nil, "SCRAM-SHA-256"),
                ("&auth=sasl.scram-sha-1", nil, "SCRAM-SHA-1"), ("&auth=sasl.PLAIN", nil, "PLAIN"),
                (
                    "&auth=polkit", AuthenticationOptions.Method.sasl(mechanism: "SCRAM-SHA-1"),
                    "SCRAM-SHA-1"
                ),
            ] {
                var options = Self.options()
                options.method = method
                let connection = try await Connection.open(
                    daemon.uri + text, authentication: options)
                #expect(sasl.mechanism == chosen)
                await connection.close()
            }
            for (text, words) in [
                ("&auth=polkit", "does not authenticate by polkit, but by SASL"),
                ("&auth=sasl.GSSAPI", "GSSAPI was asked for"),
                ("&auth=kerberos", "auth=kerberos is none of polkit, sasl and sasl.MECHANISM"),
            ] {
                let error = await refusal(of: daemon, parameters: text)
                #expect(error?.description.contains(words) == true, "\(String(describing: error))")
            }
        }
    }

    @Test("a daemon that asks for nothing is refused by whoever insists on SASL, not on polkit")
    func insisting() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri + "&auth=polkit")
            await connection.close()
            let error = await refusal(of: daemon, parameters: "&auth=sasl")
            #expect(error?.description.contains("by SASL, but by nothing at all") == true)
        }
    }

    @Test("a wrong password gives one clear sentence without the password")
    func wrongPassword() async throws {
        try await withFake { daemon in
            for mechanism in ["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
                _ = FakeSASL(daemon, mechanisms: mechanism)
                let error = await refusal(of: daemon, Self.options("fred", "wrong"))
                let text = error?.description ?? ""
                #expect(
                    text == "the daemon at \(daemon.uri) refused the login of \"fred\" by "
                        + "\(mechanism) (authentication failed): the name or the password is "
                        + "wrong, or it does not admit the user")
                #expect(error?.code == .authFailed)
                #expect(error?.procedure?.hasPrefix("AUTH_SASL_ST") == true)
            }
        }
    }

    @Test("a daemon without a mechanism of ours is told what there is")
    func noMechanism() async throws {
        try await withFake { daemon in
            _ = FakeSASL(daemon, mechanisms: "X-ONE,X-TWO")
            let error = await refusal(of: daemon)
            let text = error?.description ?? ""
            #expect(text.contains("offers X-ONE, X-TWO"))
            #if !CyrusSASL
                #expect(text.contains("SCRAM-SHA-512"))
            #endif
            #expect(!daemon.calls.contains("AUTH_SASL_START"))
        }
    }

    @Test("a fraud is found out")
    func frauds() async throws {
        let frauds: [(String, FakeSASL.Twist)] = [
            (
                "does not extend ours",
                { step, _, honest in
                    step == 0
                        ? .init(message: Array("r=mine,s=QUJD,i=4096".utf8), isComplete: false)
                        : honest
                }
            ),
            (
                "before it has proved",
                { step, _, honest in
                    .init(message: honest.message, isComplete: true)
                }
            ),
            (
                "signature is wrong",
                { step, _, honest in
                    step == 1 ? .init(message: Array("v=QUJD".utf8), isComplete: true) : honest
                }
            ),
            (
                "never ends",
                { step, _, honest in
                    step >= 1
                        ? .init(message: step == 1 ? honest.message : nil, isComplete: false)
                        : honest
                }
            ),
        ]
        try await withFake { daemon in
            for (words, twist) in frauds {
                _ = FakeSASL(daemon, mechanisms: "SCRAM-SHA-256", twist: twist)
                let error = await refusal(of: daemon)
                let text = error?.description ?? ""
                #expect(text.contains("cannot be trusted"), "\(text)")
                #expect(text.contains(words), "\(text)")
                #expect(!daemon.calls.contains("CONNECT_OPEN"))
            }
        }
    }

    @Test("a server may say no in the mechanism's own words, at either step")
    func refusalInExchange() async throws {
        try await withFake { daemon in
            for refusedStep in 0...1 {
                _ = FakeSASL(daemon, mechanisms: "SCRAM-SHA-1") { step, _, honest in
                    step == refusedStep
                        ? .init(message: Array("e=invalid-proof".utf8), isComplete: false) : honest
                }
                let text = await refusal(of: daemon)?.description ?? ""
                #expect(text.contains("refused the login of \"fred\" by SCRAM-SHA-1"), "\(text)")
                #expect(text.contains("(invalid-proof): the name or the password"), "\(text)")
            }
        }
    }

    @Test("without credentials the daemon is not tried, and it is said where they go")
    func missing() async throws {
        try await withFake { daemon in
            _ = FakeSASL(daemon, mechanisms: "PLAIN")
            for (options, words) in [
                (AuthenticationOptions(), "there is no authname and no password: put"),
                (.init { _ in Credentials(name: "fred") }, "there is no password: put"),
                (.init { _ in nil }, "was cancelled by whoever was asked"),
                (.init { _ in throw Whim() }, "asking for the credentials failed: a whim"),
            ] {
                let error = await refusal(of: daemon, options)
                #expect(error?.description.contains(words) == true, "\(String(describing: error))")
            }
            #expect(!daemon.calls.contains("AUTH_SASL_START"))
        }
    }

    @Test("whoever is asked hears for what, and for what is not known")
    func asking() async throws {
        try await withFake { daemon in
            let requests = Mutex<[CredentialRequest]>([])
            _ = FakeSASL(daemon, mechanisms: "SCRAM-SHA-1")
            let options = AuthenticationOptions { request in
                requests.withLock { $0.append(request) }
                return Credentials(name: "fred", password: "secret")
            }
            let connection = try await Connection.open(daemon.uri, authentication: options)
            await connection.close()
            let request = try #require(requests.withLock(\.self).first)
            #expect(requests.withLock(\.count) == 1)
            #expect(request.mechanism == "SCRAM-SHA-1")
            #expect(request.service == "libvirt")
            #expect(request.host == "localhost")
            #expect(request.uri == daemon.uri)
            #expect(request.wanted == [.name, .password])
        }
    }

    private struct Whim: Error, CustomStringConvertible { let description = "a whim" }
}
