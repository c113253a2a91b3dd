/// Takes a URI apart from left to right.
///
/// Source: RFC 3986, as far as libvirt's URIs go; Foundation's URL is kept out of the library.
struct LibvirtURIParser {
    private let text: String
    private var rest: Substring
    private(set) var fragment: String?
    private var query: Substring?

    init(_ text: String) throws(LibvirtURIError) {
        self.text = text
        rest = text[...]
        for scalar in text.unicodeScalars where scalar.value <= 0x20 || scalar.value == 0x7f {
            throw LibvirtURIError(text, "it has a space or a control character")
        }
        if let mark = rest.firstIndex(of: "#") {
            fragment = String(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        if let mark = rest.firstIndex(of: "?") {
            query = rest[rest.index(after: mark)...]
            rest = rest[..<mark]
        }
    }

    mutating func scheme() throws(LibvirtURIError) -> (
        driver: String, transport: LibvirtURI.Transport?
    ) {
        guard let colon = rest.firstIndex(of: ":") else {
            throw LibvirtURIError(text, "it has no driver and colon at its start")
        }
        let parts = rest[..<colon].split(
            separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        rest = rest[rest.index(after: colon)...]
        let driver = parts[0].lowercased()
        let isDriver = driver.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
        }
        guard !driver.isEmpty, isDriver else {
            throw LibvirtURIError(text, "its driver is \"\(parts[0])\"")
        }
        guard parts.count == 2 else { return (driver, nil) }
        guard let transport = LibvirtURI.Transport(rawValue: parts[1].lowercased()) else {
            let known = LibvirtURI.Transport.allCases.map(\.rawValue).joined(separator: ", ")
            throw LibvirtURIError(text, "its transport is \"\(parts[1])\", and there are \(known)")
        }
        return (driver, transport)
    }

    mutating func authority() throws(LibvirtURIError) -> (
        user: String?, host: String?, port: UInt16?
    ) {
        guard rest.hasPrefix("//") else { return (nil, nil, nil) }
        rest = rest.dropFirst(2)
        let end = rest.firstIndex(of: "/") ?? rest.endIndex
        var authority = rest[..<end]
        rest = rest[end...]
        var user: String?
        if let at = authority.lastIndex(of: "@") {
            user = try decode(authority[..<at])
            authority = authority[authority.index(after: at)...]
        }
        let (host, port) = try hostAndPort(authority)
        return (user, host.isEmpty ? nil : host, port)
    }

    private func hostAndPort(_ authority: Substring) throws(LibvirtURIError) -> (String, UInt16?) {
        var host = authority
        var port: Substring?
        if authority.hasPrefix("[") {
            guard let bracket = authority.firstIndex(of: "]") else {
                throw LibvirtURIError(text, "its IPv6 address has no closing bracket")
            }
            host = authority[..<bracket].dropFirst()
            let tail = authority[authority.index(after: bracket)...]
            guard tail.isEmpty || tail.hasPrefix(":") else {
                throw LibvirtURIError(text, "\"\(tail)\" stands where a port should")
            }
            port = tail.isEmpty ? nil : tail.dropFirst()
        } else if let colon = authority.lastIndex(of: ":") {
            host = authority[..<colon]
            port = authority[authority.index(after: colon)...]
        }
        guard let port, !port.isEmpty else { return (try decode(host), nil) }
        guard let number = UInt16(port), number > 0 else {
            throw LibvirtURIError(text, "its port is \"\(port)\", and ports are 1 to 65535")
        }
        return (try decode(host), number)
    }

    func path() throws(LibvirtURIError) -> String {
        guard rest.isEmpty || rest.utf8.first == UInt8(ascii: "/") else {
            throw LibvirtURIError(text, "its path, \"\(rest)\", does not begin with a slash")
        }
        return try decode(rest)
    }

    func parameters() throws(LibvirtURIError) -> [LibvirtURI.Parameter] {
        var parameters: [LibvirtURI.Parameter] = []
        // libvirt takes `;` for `&`.
        for piece in (query ?? "").split(whereSeparator: { $0 == "&" || $0 == ";" }) {
            let parts = piece.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count == 2 ? try decode(parts[1]) : ""
            parameters.append(.init(name: try decode(parts[0]), value: value))
        }
        return parameters
    }

    private func decode(_ piece: Substring) throws(LibvirtURIError) -> String {
        guard piece.contains("%") else { return String(piece) }
        var bytes: [UInt8] = []
        var left = piece.utf8[...]
        while let byte = left.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: left.prefix(2), as: UTF8.self)
            guard digits.utf8.count == 2, let value = UInt8(digits, radix: 16), value != 0 else {
                throw LibvirtURIError(
                    text, "\"\(piece)\" has a % without two hexadecimal digits")
            }
            left = left.dropFirst(2)
            bytes.append(value)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw LibvirtURIError(text, "\"\(piece)\" is not UTF-8")
        }
        return decoded
    }
}
