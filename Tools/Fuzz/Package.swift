// swift-tools-version: 6.3

import PackageDescription

/// A library of virtwire's.
func room(_ name: String) -> Target.Dependency { .product(name: name, package: "virtwire") }

// A package of its own: whoever uses virtwire builds none of this. The targets' functions are those of
// the tests, which replay what was found; `Sources/FuzzTargets` leads there.
let package = Package(
    name: "Fuzz",
    dependencies: [
        .package(name: "virtwire", path: "../..")
    ],
    targets: [
        .target(name: "CountedMemory", path: "CountedMemory"),
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "CountedMemory", room("XDR"), room("LinuxIO"), room("LibvirtProtocol"),
                room("VirtwireProtocol"), room("LibvirtRPC"), room("Libvirt"), room("Memif"),
            ],
            path: "Sources",
            sources: ["Fuzz", "FuzzTargets"],
            swiftSettings: [
                .enableExperimentalFeature("Lifetimes"),
                .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
                // libFuzzer brings the main function.
                .unsafeFlags(["-parse-as-library"]),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
