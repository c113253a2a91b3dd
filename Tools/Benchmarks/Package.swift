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
            name: "LibvirtCalls",
            dependencies: [.product(name: "Libvirt", package: "virtwire")])
    ],
    swiftLanguageModes: [.v6]
)
