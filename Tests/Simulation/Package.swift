// swift-tools-version: 6.2
import PackageDescription

// The simulation alone, so that it is built optimised in seconds. `run.sh` links the sources of the main package here.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "martlet-simulation",
    targets: [
        .target(name: "MartletBase", exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "MartletLogic", dependencies: ["MartletBase"], exclude: ["README.md", "Knowledge"],
            swiftSettings: settings),
        .target(name: "Simulation", dependencies: ["MartletBase", "MartletLogic"], swiftSettings: settings),
        .executableTarget(
            name: "simulate", dependencies: ["Simulation", "MartletBase", "MartletLogic"], swiftSettings: settings),
    ]
)
