import Libvirt

/// A connection URI, as a user, a configuration file or a migration may bring it.
enum URITarget {
    static func run(_ input: [UInt8]) throws(Finding) {
        let text = String(decoding: input, as: UTF8.self)
        let uri: LibvirtURI
        do throws(LibvirtURIError) {
            uri = try LibvirtURI(text)
        } catch {
            try require(!error.problem.isEmpty, "refused without a reason")
            return
        }
        try require(uri.description == text, "it is not the URI that was given")
        try require(!uri.driver.isEmpty, "a URI without a driver")
        try require(uri.host != "", "a host without a name")
        for parameter in uri.parameters {
            _ = uri.parameter(parameter.name)
            _ = try? uri.flag(parameter.name)
        }
        try checkServerName(uri)
    }

    /// What the server is told is a URI of its own, and means the same object.
    private static func checkServerName(_ uri: LibvirtURI) throws(Finding) {
        let name = uri.serverName
        guard uri.parameter("name") == nil, uri.driver != "remote" else { return }
        let server: LibvirtURI
        do throws(LibvirtURIError) {
            server = try LibvirtURI(name)
        } catch {
            throw Finding("the server would be told \(name): \(error)")
        }
        try require(server.driver == uri.driver, "\(name) names another driver")
        try require(server.host == nil && server.transport == .unix, "\(name) is not local")
        try require(server.path == uri.path, "\(name) names the path \(server.path)")
        try require(server.serverName == name, "\(name) becomes \(server.serverName)")
    }
}
