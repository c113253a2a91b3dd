import Foundation
import Libvirt

/// Surroundings of a user whose configuration directory may hold one of libvirt's client files.
func withConfiguredUser<Result>(
    _ name: String, _ text: String?, variables: [String: String] = [:],
    files: Set<String> = [], user: UInt32 = 1000, _ body: (Surroundings) throws -> Result
) throws -> Result {
    let home = FileManager.default.temporaryDirectory.appendingPathComponent(
        "conf-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
    ).path
    defer { try? FileManager.default.removeItem(atPath: home) }
    try FileManager.default.createDirectory(
        atPath: home + "/libvirt", withIntermediateDirectories: true)
    let file = "\(home)/libvirt/\(name)"
    var files = files
    if let text {
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        files.insert(file)
    }
    let own = ["XDG_CONFIG_HOME": home, "XDG_RUNTIME_DIR": "/run/user/\(user)", "HOME": home]
    return try body(
        Surroundings(user: user, variables: own.merging(variables) { $1 }, files: files))
}
