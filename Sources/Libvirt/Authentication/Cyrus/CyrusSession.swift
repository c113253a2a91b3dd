#if CyrusSASL
    internal import CCyrusSASL
    internal import Glibc

    /// The client's side of one SASL exchange, in Cyrus SASL.
    ///
    /// Source: libsasl2's `sasl.h`. The library asks for what it needs by returning prompts, so no C
    /// function calls back into Swift.
    @safe
    struct CyrusSession: ~Copyable {
        /// How far a call has come.
        enum Progress {
            /// These words are for the server; nil is something else than empty words.
            case words([UInt8]?, isFinished: Bool)
            /// The library wants these first; call again after `answer`.
            case wanted([CredentialRequest.Item])
        }

        private let connection: OpaquePointer
        private let callbacks: UnsafeMutablePointer<sasl_callback_t>
        /// The library's own; valid until its next call.
        private var prompts: UnsafeMutablePointer<sasl_interact_t>?
        /// What the prompts were answered with; the library wants it to stay.
        private var answers: [UnsafeMutablePointer<CChar>] = unsafe []
        /// The mechanism that the library has chosen; empty until then.
        private(set) var mechanism = ""

        /// What libvirt's client asks for on a connection that anybody may listen to: 56 bits is what its
        /// daemons ask for, and stands for DES.
        private static let leastStrength: sasl_ssf_t = 56
        private static let mostStrength: sasl_ssf_t = 100_000
        /// The longest piece that either side protects at once.
        private static let longestPiece: UInt32 = 65_536

        /// Done once, as the library demands.
        private static let isReady: Bool = sasl_client_init(nil) == SASL_OK

        /// Begins.
        ///
        /// - Parameters:
        ///   - host: as the server calls itself, for Kerberos.
        ///   - isConfidential: whether the carrier needs no protection.
        init(host: String, isConfidential: Bool) throws(SASLFault) {
            guard Self.isReady else { throw SASLFault("Cyrus SASL cannot be loaded") }
            let wanted = [SASL_CB_USER, SASL_CB_AUTHNAME, SASL_CB_PASS, SASL_CB_GETREALM]
            let ids = wanted + [SASL_CB_LIST_END]
            // SAFETY: the list is written whole before the library sees it, and is freed in `deinit`,
            // after the connection that reads it, or below where there is none.
            let callbacks = UnsafeMutablePointer<sasl_callback_t>.allocate(capacity: ids.count)
            for (index, id) in ids.enumerated() {
                unsafe (callbacks + index).initialize(
                    to: sasl_callback_t(id: UInt(id), proc: nil, context: nil))
            }
            var connection: OpaquePointer?
            let result = unsafe sasl_client_new(
                "libvirt", host, nil, nil, callbacks, UInt32(SASL_SUCCESS_DATA), &connection)
            var properties = unsafe sasl_security_properties_t()
            unsafe properties.maxbufsize = Self.longestPiece
            if !isConfidential {
                unsafe properties.min_ssf = Self.leastStrength
                unsafe properties.max_ssf = Self.mostStrength
                unsafe properties.security_flags = UInt32(
                    SASL_SEC_NOANONYMOUS | SASL_SEC_NOPLAINTEXT)
            }
            guard result == SASL_OK, let made = unsafe connection,
                unsafe sasl_setprop(made, SASL_SEC_PROPS, &properties) == SASL_OK
            else {
                unsafe sasl_dispose(&connection)
                unsafe callbacks.deallocate()
                throw SASLFault("Cyrus SASL cannot begin (error \(result))")
            }
            unsafe self.connection = made
            unsafe self.callbacks = callbacks
            unsafe self.prompts = nil
        }

        deinit {
            // SAFETY: nothing else refers to the connection; what it read goes after it.
            var connection: OpaquePointer? = unsafe connection
            unsafe sasl_dispose(&connection)
            unsafe callbacks.deallocate()
            unsafe answers.forEach { unsafe free($0) }
        }

        /// Chooses a mechanism and gives the client's first words.
        ///
        /// - Parameter mechanisms: those to choose from, separated by commas.
        mutating func start(_ mechanisms: String) throws(SASLFault) -> Progress {
            var words: UnsafePointer<CChar>?
            var count: UInt32 = 0
            var name: UnsafePointer<CChar>?
            // SAFETY: all are results, which the library sets or leaves; they are copied at once.
            let code = unsafe sasl_client_start(
                connection, mechanisms, &prompts, &words, &count, &name)
            if let name = unsafe name { mechanism = unsafe String(cString: name) }
            return unsafe try progress(code, words, count)
        }

        /// Takes what the server said.
        mutating func step(_ message: [UInt8]?) throws(SASLFault) -> Progress {
            var words: UnsafePointer<CChar>?
            var count: UInt32 = 0
            let code: Int32
            // SAFETY: the message lives for the call; the results are copied at once.
            if let message {
                let characters = message.map { CChar(bitPattern: $0) }
                code = unsafe sasl_client_step(
                    connection, characters + [0], UInt32(message.count), &prompts, &words, &count)
            } else {
                code = unsafe sasl_client_step(connection, nil, 0, &prompts, &words, &count)
            }
            return unsafe try progress(code, words, count)
        }

        private func progress(
            _ code: Int32, _ words: UnsafePointer<CChar>?, _ count: UInt32
        ) throws(SASLFault) -> Progress {
            switch code {
            case SASL_OK, SASL_CONTINUE:
                // SAFETY: the library vouches for `count` bytes until its next call.
                let bytes = unsafe words.map { words in
                    unsafe UnsafeBufferPointer(start: words, count: Int(count)).map {
                        UInt8(bitPattern: $0)
                    }
                }
                return .words(bytes, isFinished: code == SASL_OK)
            case SASL_INTERACT:
                return .wanted(
                    promptIDs.compactMap { id in
                        switch Int32(bitPattern: UInt32(truncatingIfNeeded: id)) {
                        case SASL_CB_AUTHNAME: .name
                        case SASL_CB_PASS: .password
                        default: nil
                        }
                    })
            default: throw SASLFault("Cyrus SASL says: \(detail)")
            }
        }

        /// The library's words about its last error.
        private var detail: String {
            // SAFETY: a C string of the connection's, copied at once.
            guard let text = unsafe sasl_errdetail(connection) else { return "nothing" }
            return unsafe String(cString: text)
        }
    }

    // MARK: - Prompts

    extension CyrusSession {
        /// In the order of the library's list, which ends with an id of 0.
        private var promptIDs: [UInt] {
            guard var prompt = unsafe prompts else { return [] }
            var ids: [UInt] = []
            // SAFETY: the list is the library's and ends with an id of 0.
            while unsafe prompt.pointee.id != UInt(SASL_CB_LIST_END) {
                unsafe ids.append(prompt.pointee.id)
                unsafe prompt += 1
            }
            return ids
        }

        /// Answers what the last call wanted.
        mutating func answer(_ credentials: Credentials) {
            guard let prompts = unsafe prompts else { return }
            for (index, id) in promptIDs.enumerated() {
                // SAFETY: the index is within the list; each answer stays until `deinit`.
                let prompt = unsafe prompts + index
                var text: String?
                switch Int32(bitPattern: UInt32(truncatingIfNeeded: id)) {
                case SASL_CB_AUTHNAME: text = credentials.name
                case SASL_CB_PASS: text = credentials.password
                case SASL_CB_USER: text = credentials.authorizationName
                case SASL_CB_GETREALM:
                    text =
                        unsafe credentials.realm
                        ?? prompt.pointee.defresult.map { unsafe String(cString: $0) }
                default: break
                }
                guard let copy = unsafe strdup(text ?? "") else { continue }
                unsafe answers.append(copy)
                unsafe prompt.pointee.result = UnsafeRawPointer(copy)
                unsafe prompt.pointee.len = UInt32(strlen(copy))
            }
        }
    }

    // MARK: - Protection

    extension CyrusSession {
        /// How strong the agreed protection is, in bits; 0 for none.
        var strength: UInt32 { number(SASL_SSF) }

        /// The longest piece that may be wrapped at once.
        var longestPiece: Int {
            let most = number(SASL_MAXOUTBUF)
            return Int(most == 0 ? Self.longestPiece : min(most, Self.longestPiece))
        }

        private func number(_ property: Int32) -> UInt32 {
            var value: UnsafeRawPointer?
            // SAFETY: both properties that are asked for are unsigned numbers of the connection's.
            guard unsafe sasl_getprop(connection, property, &value) == SASL_OK,
                let value = unsafe value
            else { return 0 }
            return unsafe value.load(as: UInt32.self)
        }

        /// Protects a piece.
        mutating func encode(_ piece: ArraySlice<UInt8>) -> [UInt8]? {
            var result: UnsafePointer<CChar>?
            var count: UInt32 = 0
            let characters = piece.map { CChar(bitPattern: $0) }
            // SAFETY: the input lives for the call; the result is copied at once.
            let code = unsafe sasl_encode(
                connection, characters, UInt32(piece.count), &result, &count)
            guard code == SASL_OK else { return nil }
            return unsafe Self.copy(result, count)
        }

        /// Takes a piece of what has come; nil when it is not what the server protected.
        mutating func decode(_ piece: ArraySlice<UInt8>) -> [UInt8]? {
            var result: UnsafePointer<CChar>?
            var count: UInt32 = 0
            let characters = piece.map { CChar(bitPattern: $0) }
            // SAFETY: as above; a result of no bytes is not looked at.
            let code = unsafe sasl_decode(
                connection, characters, UInt32(piece.count), &result, &count)
            guard code == SASL_OK else { return nil }
            return unsafe Self.copy(result, count)
        }

        private static func copy(_ bytes: UnsafePointer<CChar>?, _ count: UInt32) -> [UInt8] {
            guard let bytes = unsafe bytes, count > 0 else { return [] }
            // SAFETY: the library vouches for `count` bytes until its next call.
            return unsafe UnsafeBufferPointer(start: bytes, count: Int(count)).map {
                UInt8(bitPattern: $0)
            }
        }
    }
#endif
