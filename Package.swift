// swift-tools-version: 6.3

import PackageDescription

/// One set of rules for every target of ours, tests included.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    // `~Escapable` types need it; swift-nio's manifest records the promise that its API stays.
    .enableExperimentalFeature("Lifetimes"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .treatWarning("DeprecatedDeclaration", as: .warning),
]

/// A library room: a target and a product of the same name.
func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// A target of tests; its folder `Fixtures`, if it has one, holds what tests read.
func tests(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []
) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cyrus = Target.Dependency.target(
    name: "CCyrusSASL", condition: .when(traits: ["CyrusSASL"]))
let argumentParser = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")
let configuration: [Target.Dependency] = [
    .product(name: "Configuration", package: "swift-configuration"),
    .product(name: "Yams", package: "Yams"),
]
func nio(_ name: String) -> Target.Dependency { .product(name: name, package: "swift-nio") }
let tls: [Target.Dependency] = [
    nio("NIOTLS"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
    .product(name: "SwiftASN1", package: "swift-asn1"),
]

// A floor to a block, from the ground up: a room imports only from the blocks above it.
let rooms: [Target] = [
    .target(name: "CLinuxIO"),
    .systemLibrary(
        name: "CCyrusSASL", pkgConfig: "libsasl2", providers: [.apt(["libsasl2-dev"])]),
    room("XDR"),

    room("LinuxIO", ["CLinuxIO"]),
    room("LibvirtProtocol", ["XDR"]),
    room("VirtwireProtocol", ["XDR"]),

    room(
        "LibvirtRPC",
        ["XDR", "LinuxIO", "LibvirtProtocol", nio("NIOCore"), nio("NIOPosix")] + tls),
    room("Memif", ["LinuxIO"]),

    room("Libvirt", ["XDR", "LinuxIO", "LibvirtProtocol", "LibvirtRPC", crypto, cyrus]),
    room("LibvirtTesting", ["XDR", "LinuxIO", "LibvirtProtocol", "LibvirtRPC"]),
    room("MemifTesting", ["LinuxIO", "Memif"]),

    room(
        "MemifController",
        ["XDR", "LinuxIO", "VirtwireProtocol", "LibvirtRPC", "Libvirt", "Memif", logging]),
]

let programs: [Target] = [
    .executableTarget(
        name: "virtwired",
        dependencies: ["LinuxIO", "Libvirt", "Memif", "MemifController", logging, argumentParser]
            + configuration + [nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1")],
        swiftSettings: settings),
    .executableTarget(
        name: "virtwire",
        dependencies: [
            "XDR", "LinuxIO", "LibvirtProtocol", "Libvirt", "LibvirtRPC", "VirtwireProtocol",
            "Memif", "MemifController", argumentParser,
        ],
        swiftSettings: settings),
    .executableTarget(
        name: "ProtocolGenerator",
        dependencies: [argumentParser],
        path: "Tools/ProtocolGenerator/Sources",
        swiftSettings: settings),
]

/// A program of Tools/Examples: built and tested here, and no product.
func example(_ name: String) -> Target {
    .executableTarget(
        name: name,
        dependencies: [
            "ExampleSupport", "LibvirtProtocol", "LibvirtRPC", "Libvirt", argumentParser,
        ],
        path: "Tools/Examples/\(name)", swiftSettings: settings)
}

let examples: [Target] = [
    "attach-console", "backup-disk", "live-stats", "on-event", "rolling-restart",
].map(example)

let exampleSupport = Target.target(
    name: "ExampleSupport",
    dependencies: ["LinuxIO", "LibvirtProtocol", "Libvirt", argumentParser],
    path: "Tools/Examples/Support", swiftSettings: settings)

let testTargets: [Target] = [
    .target(name: "CountedAllocations", path: "Tests/CountedAllocations"),
    tests("XDRTests", ["XDR"], exclude: ["Fixtures"]),
    tests("LinuxIOTests", ["LinuxIO"]),
    tests("ProtocolGeneratorTests", ["ProtocolGenerator"], exclude: ["Fixtures"]),
    tests(
        "LibvirtProtocolTests",
        ["XDR", "LibvirtProtocol", "VirtwireProtocol", "ProtocolGenerator"]),
    tests(
        "LibvirtRPCTests",
        [
            "XDR", "LinuxIO", "LibvirtProtocol", "LibvirtRPC", "LibvirtTesting",
            "CountedAllocations", nio("NIOCore"), nio("NIOEmbedded"),
        ]),
    tests(
        "LibvirtTests",
        [
            "XDR", "LinuxIO", "LibvirtProtocol", "LibvirtRPC", "Libvirt", "LibvirtTesting",
            "CountedAllocations",
        ]),
    tests("MemifTests", ["LinuxIO", "Memif", "MemifTesting", "CountedAllocations"]),
    tests(
        "MemifControllerTests",
        [
            "XDR", "LinuxIO", "LibvirtProtocol", "LibvirtRPC", "Libvirt", "LibvirtTesting",
            "Memif", "MemifController", "MemifTesting", "VirtwireProtocol", "virtwired", logging,
        ], exclude: ["Fixtures"]),
    tests(
        "CommandLineTests",
        [
            "XDR", "LinuxIO", "LibvirtProtocol", "LibvirtTesting", "VirtwireProtocol", "Memif",
            "MemifController", "virtwire", "virtwired",
        ]),
    tests(
        "FuzzTests",
        [
            "XDR", "LinuxIO", "LibvirtProtocol", "VirtwireProtocol", "LibvirtRPC", "Libvirt",
            "Memif",
        ],
        exclude: ["Corpus"]),
    tests(
        "DocumentationTests",
        ["XDR", "LinuxIO", "LibvirtProtocol", "LibvirtRPC", "Libvirt", "LibvirtTesting", "Memif"]),
    tests(
        "ExamplesTests",
        ["LinuxIO", "LibvirtProtocol", "Libvirt", "LibvirtTesting"]
            + examples.map { .target(name: $0.name) }),
    tests("HouseRulesTests", []),
]

let package = Package(
    name: "virtwire",
    products: rooms.filter { !$0.name.hasPrefix("C") }.map {
        .library(name: $0.name, targets: [$0.name])
    } + [
        .executable(name: "virtwire", targets: ["virtwire"]),
        .executable(name: "virtwired", targets: ["virtwired"]),
    ],
    traits: [
        .trait(
            name: "CyrusSASL",
            description: "SASL mechanisms that are not spoken in Swift (GSSAPI, DIGEST-MD5), and "
                + "SASL over plain TCP, by Cyrus SASL.")
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: rooms + programs + [exampleSupport] + examples + testTargets,
    swiftLanguageModes: [.v6]
)
