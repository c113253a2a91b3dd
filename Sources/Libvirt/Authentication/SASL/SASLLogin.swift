/// Who logs in, as the mechanisms need it.
struct SASLLogin: Equatable {
    /// Who proves to be somebody: libvirt's `authname`.
    var name = ""
    var password = ""
    /// As whom to act, where that is somebody else: libvirt's `username`. Empty for nobody else.
    var authorizationName = ""

    /// Names and passwords go as they are, without SASLprep: Cyrus SASL, on which every libvirt daemon
    /// stands, does not prepare them either, so a prepared one could never match.
    func checkedName() throws(SASLFault) -> String {
        guard !name.isEmpty else { throw SASLFault("the user's name is empty") }
        return try Self.check(name, "user's name")
    }

    func checkedPassword() throws(SASLFault) -> String {
        guard !password.isEmpty else { throw SASLFault("the password is empty") }
        return try Self.check(password, "password")
    }

    func checkedAuthorizationName() throws(SASLFault) -> String {
        try Self.check(authorizationName, "name to act as")
    }

    private static func check(_ text: String, _ what: String) throws(SASLFault) -> String {
        guard !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
            throw SASLFault("the \(what) has a control character in it")
        }
        return text
    }
}
