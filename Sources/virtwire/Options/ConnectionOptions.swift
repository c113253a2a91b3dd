internal import ArgumentParser
internal import Foundation

struct ConnectionOptions: ParsableArguments {
    @Option(
        name: [.customShort("c"), .customLong("connect")],
        help: ArgumentHelp(
            "The libvirt daemon's URI, such as qemu:///system.",
            discussion: "Without it LIBVIRT_DEFAULT_URI, else as libvirt chooses."))
    var connect: String?

    /// The URI asked for; nil leaves the choice to the library.
    var uri: String? {
        connect
            ?? ProcessInfo.processInfo.environment["LIBVIRT_DEFAULT_URI"].flatMap {
                $0.isEmpty ? nil : $0
            }
    }
}
