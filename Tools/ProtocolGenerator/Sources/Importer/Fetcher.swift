import Foundation

/// Fetches libvirt's sources and API descriptions from the Debian mirror into a folder.
///
/// What is there already with the right checksum is not fetched again. Of the sources only the
/// files that the importer reads are unpacked.
struct Fetcher {
    static let version = "11.3.0"
    private static let suite = "trixie"
    private static let tarball = "libvirt_\(version).orig.tar.xz"
    /// From the suite's signed index of sources.
    private static let tarballChecksum =
        "6bcb0c42c4580436fea262ced56f68a6afe20f7390b1bea2116718cc034a0283"

    let mirror: Mirror
    let folder: URL

    /// The unpacked sources.
    var sources: URL { folder.appending(path: "libvirt-\(Self.version)") }
    /// The folder with `libvirt-api.xml` and its siblings.
    var descriptions: URL { folder.appending(path: "libvirt-dev/usr/share/libvirt/api") }

    /// - Throws: `ImportError` that names what could not be fetched, or what was wrong with it.
    func fetch() throws(ImportError) {
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true)
        } catch {
            throw ImportError("the folder \(folder.path) cannot be made: \(error)")
        }
        let tarball = try download(
            "pool/main/libv/libvirt/\(Self.tarball)", checksum: Self.tarballChecksum)
        let wanted =
            ProtocolSource.all.map(\.file) + ["src/libvirt*.c", "src/access/viraccessperm.h"]
        _ = try Subprocess.output(
            "tar",
            ["-xJf", tarball.path, "-C", folder.path, "--wildcards", "--no-wildcards-match-slash"]
                + wanted.map { "libvirt-\(Self.version)/\($0)" })
        let package = try developmentPackage()
        let file = try download(package.path, checksum: package.checksum)
        let target = folder.appending(path: "libvirt-dev").path
        _ = try Subprocess.output("dpkg-deb", ["-x", file.path, target])
    }

    /// Where the suite's index says that `libvirt-dev` is, and its checksum.
    private func developmentPackage() throws(ImportError) -> (path: String, checksum: String) {
        let index = try download("dists/\(Self.suite)/main/binary-amd64/Packages.xz", checksum: nil)
        let text = try Subprocess.output("xz", ["-dc", index.path])
        guard let package = Self.package("libvirt-dev", in: text) else {
            throw ImportError("the index of \(Self.suite) has no package libvirt-dev")
        }
        guard package.version.hasPrefix(Self.version + "-") else {
            throw ImportError(
                "the mirror has libvirt-dev \(package.version), not \(Self.version); "
                    + "the importer is written for the latter")
        }
        return (package.path, package.checksum)
    }

    /// The paragraph of a package in an index of packages.
    static func package(
        _ name: String, in index: String
    ) -> (version: String, path: String, checksum: String)? {
        var fields: [Substring: Substring] = [:]
        for line in index.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.isEmpty { fields = [:] }
            guard let colon = line.firstRange(of: ": ") else { continue }
            fields[line[..<colon.lowerBound]] = line[colon.upperBound...]
            guard fields["Package"] == name[...], let version = fields["Version"],
                let path = fields["Filename"], let checksum = fields["SHA256"]
            else { continue }
            return (String(version), String(path), String(checksum))
        }
        return nil
    }

    private func download(_ path: String, checksum: String?) throws(ImportError) -> URL {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let file = folder.appending(path: name)
        if let checksum, (try? sum(of: file)) == checksum { return file }
        print("fetching \(name)")
        let url = mirror.base.appending(path: path).absoluteString
        _ = try Subprocess.output(
            "curl",
            ["--fail", "--silent", "--show-error", "--location", "--output", file.path, url])
        if let checksum {
            let found = try sum(of: file)
            guard found == checksum else {
                throw ImportError("\(name) has the SHA-256 \(found), expected \(checksum)")
            }
        }
        return file
    }

    private func sum(of file: URL) throws(ImportError) -> String {
        guard FileManager.default.fileExists(atPath: file.path) else { return "" }
        let line = try Subprocess.output("sha256sum", [file.path])
        return line.split(separator: " ").first.map(String.init) ?? ""
    }
}
