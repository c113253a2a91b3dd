// swift-tools-version: 6.3

import PackageDescription

// A package of its own: whoever uses virtwire builds none of this.
let package = Package(
    name: "Benchmarks",
    dependencies: [
        .package(name: "virtwire", path: "../..")
    ],
    targets: [
        .executableTarget(
            name: "LibvirtBench",
            dependencies: ["XDR", "LibvirtProtocol", "Libvirt", "LibvirtTesting"].map {
                .product(name: $0, package: "virtwire")
            }),
        .executableTarget(
            name: "ControllerBench",
            dependencies: [
                "XDR", "LinuxIO", "LibvirtProtocol", "LibvirtRPC", "Libvirt", "Memif",
                "MemifTesting", "VirtwireProtocol",
            ].map { .product(name: $0, package: "virtwire") }),
        .target(name: "CountedCalls", path: "CountedCalls"),
        .executableTarget(
            name: "LibvirtCosts",
            dependencies: ["CountedCalls", .product(name: "Libvirt", package: "virtwire")]),
        .executableTarget(
            name: "MemifRates",
            dependencies: ["CountedCalls"]
                + ["LinuxIO", "Memif"].map { .product(name: $0, package: "virtwire") }),
    ],
    swiftLanguageModes: [.v6]
)
