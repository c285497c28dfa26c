// swift-tools-version: 6.2
import PackageDescription

// What the tests of the exchange need and no more, so that a mutant of it is built in seconds. `run.sh` puts the
// sources beside this.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")

func room(_ name: String, _ dependencies: [Target.Dependency], without folders: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: ["README.md"] + folders, swiftSettings: settings)
}

let package = Package(
    name: "martlet-mutants",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
    ],
    targets: [
        .target(name: "CMartlet"),
        room("MartletBase", []),
        room("MartletLogic", ["MartletBase"], without: ["Knowledge"]),
        room("MartletWire", ["MartletBase", nioCore]),
        room("MartletNet", ["MartletBase", "MartletWire", "CMartlet", nioCore, nioPosix, nioSSL, subprocess]),
        room("MartletTelemetry", ["MartletBase", logging]),
        room(
            "MartletExchange",
            ["MartletBase", "MartletLogic", "MartletWire", "MartletNet", "MartletTelemetry", nioCore]),
        room(
            "MartletTesting",
            [
                "MartletBase", "MartletLogic", "MartletWire", "MartletNet", "MartletTelemetry", "MartletExchange",
                nioCore, nioEmbedded,
            ]),
        .testTarget(
            name: "MartletExchangeTests",
            dependencies: [
                "MartletExchange", "MartletTesting", "MartletBase", "MartletLogic", "MartletWire",
                "MartletTelemetry", nioCore,
            ],
            swiftSettings: settings),
    ]
)
