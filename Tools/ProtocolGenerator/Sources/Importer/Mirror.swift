import Foundation

/// The Debian mirror that this machine's apt uses, read from apt's own configuration.
struct Mirror {
    var base: URL

    /// - Throws: `ImportError` when apt knows no mirror of Debian's.
    static func ofThisMachine() throws(ImportError) -> Mirror {
        // All that apt is asked for is what it would fetch; its lists are left alone.
        let listing = try Subprocess.output(
            "apt-get", ["indextargets", "--format", "$(ORIGIN) $(REPO_URI) $(COMPONENT)"])
        if let base = base(inIndexTargets: listing) { return Mirror(base: base) }
        for file in sourceLists() {
            guard let text = try? String(contentsOf: file, encoding: .utf8) else { continue }
            if let base = base(inSources: text) { return Mirror(base: base) }
        }
        throw ImportError(
            "apt has no source for Debian packages; add one to /etc/apt/sources.list.d")
    }

    /// The first repository whose release file says that it is Debian's own.
    static func base(inIndexTargets listing: String) -> URL? {
        for line in listing.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ")
            guard words.count == 3, words[0] == "Debian", words[2] == "main" else { continue }
            guard !words[1].contains("security") else { continue }
            return URL(string: String(words[1]))
        }
        return nil
    }

    /// The first repository in apt's configuration, in either format, that has component main.
    static func base(inSources text: String) -> URL? {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let first = words.first, first == "deb" || first == "URIs:" else { continue }
            let uri = words.dropFirst().first { $0.contains("://") }
            guard let uri, uri.contains("debian"), !uri.contains("security") else { continue }
            return URL(string: String(uri).hasSuffix("/") ? String(uri) : uri + "/")
        }
        return nil
    }

    private static func sourceLists() -> [URL] {
        let folder = URL(filePath: "/etc/apt/sources.list.d")
        let parts = try? FileManager.default.contentsOfDirectory(
            at: folder, includingPropertiesForKeys: nil)
        let sorted = (parts ?? []).sorted { $0.path < $1.path }
        return [URL(filePath: "/etc/apt/sources.list")] + sorted
    }
}
