// swift-tools-version: 6.2
import PackageDescription

// The fuzz targets, apart from the main package: everything in it is built with the fuzzer's coverage.
// `run.sh` links the sources of the main package beside these: two rooms whole, of others what reads outside bytes.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .unsafeFlags(["-sanitize=fuzzer", "-parse-as-library"]),
]
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let wire: [Target.Dependency] = ["FuzzDriver", "MartletBase", "MartletWire", nioCore]
let targets: [(name: String, dependencies: [Target.Dependency])] = [
    ("RequestFuzz", wire), ("ResponseFuzz", wire), ("ChunkFuzz", wire), ("HeaderFuzz", wire), ("EventFuzz", wire),
    ("WorkerFrameFuzz", wire), ("PeekFuzz", wire), ("TensorFuzz", wire), ("TextFuzz", wire),
    ("CeleryFuzz", wire),
    ("AddressFuzz", ["FuzzDriver", "MartletNet", nioCore]),
    ("ConfigurationFuzz", ["FuzzDriver", "Martlet"]),
    ("ForwardFuzz", ["FuzzDriver", "MartletGateway", "MartletNet"]), ("LineFuzz", ["FuzzDriver", "MartletNet"]),
    ("ReplyFuzz", wire + ["MartletExchange", "MartletNet"]),
    ("DeskFuzz", ["FuzzDriver", "MartletBase", "MartletConsole", "MartletNet", nioCore]),
]

let package = Package(
    name: "martlet-fuzz",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        .target(name: "FuzzDriver", swiftSettings: settings),
        .target(name: "MartletBase", exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "MartletLogic", dependencies: ["MartletBase"], exclude: ["README.md", "Knowledge"],
            swiftSettings: settings),
        .target(
            name: "MartletWire", dependencies: ["MartletBase", nioCore], exclude: ["README.md"],
            swiftSettings: settings),
        .target(name: "MartletNet", dependencies: ["MartletBase", "MartletWire", nioCore], swiftSettings: settings),
        .target(name: "MartletExchange", dependencies: ["MartletBase", "MartletWire"], swiftSettings: settings),
        .target(name: "MartletGateway", dependencies: ["MartletNet", nioCore], swiftSettings: settings),
        .target(name: "MartletConsole", dependencies: ["MartletBase", "MartletNet", nioCore], swiftSettings: settings),
        .target(name: "MartletWorkers", dependencies: ["MartletBase", "MartletLogic"], swiftSettings: settings),
        .target(
            name: "MartletTasks", dependencies: ["MartletBase", "MartletLogic", "MartletWire"], swiftSettings: settings),
        .target(
            name: "Martlet",
            dependencies: ["MartletBase", "MartletLogic", "MartletNet", "MartletWorkers", "MartletTasks", yams],
            swiftSettings: settings),
    ]
        + targets.map {
            .executableTarget(
                name: $0.name, dependencies: $0.dependencies, swiftSettings: settings,
                linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])])
        }
)
