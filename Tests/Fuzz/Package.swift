// swift-tools-version: 6.2
import PackageDescription

// The fuzz targets, apart from the main package: everything in it is built with the fuzzer's coverage.
// `run.sh` links the sources of the main package beside these.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .unsafeFlags(["-sanitize=fuzzer", "-parse-as-library"]),
]
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let targets = ["RequestFuzz", "ResponseFuzz", "EventFuzz", "PeekFuzz"]

let package = Package(
    name: "martlet-fuzz",
    dependencies: [.package(url: "https://github.com/apple/swift-nio", exact: "2.101.2")],
    targets: [
        .target(name: "FuzzDriver", swiftSettings: settings),
        .target(name: "MartletBase", exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "MartletWire", dependencies: ["MartletBase", nioCore], exclude: ["README.md"], swiftSettings: settings),
    ]
        + targets.map {
            .executableTarget(
                name: $0, dependencies: ["FuzzDriver", "MartletBase", "MartletWire", nioCore],
                swiftSettings: settings,
                linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])])
        }
)
