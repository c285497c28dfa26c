// swift-tools-version: 6.2
import PackageDescription

// Every target speaks Swift 6, treats warnings as errors and says `unsafe` where it leaves safe Swift.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .treatWarning("DeprecatedDeclaration", as: .warning),
]

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "martlet",
    products: [
        .library(name: "Martlet", targets: ["Martlet"]),
        .executable(name: "martlet", targets: ["martlet"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    ],
    targets: [
        // Floor 0: words
        .target(name: "MartletBase"),
        // Floor 1: brain
        .target(name: "MartletLogic", dependencies: ["MartletBase"]),
        // Floor 2: hands
        .target(name: "CMartlet"),
        .target(name: "MartletWire", dependencies: ["MartletBase", nioCore]),
        .target(name: "MartletStore", dependencies: ["MartletBase", grdb]),
        .target(
            name: "MartletNet",
            dependencies: ["MartletBase", "MartletWire", "CMartlet", nioCore, nioPosix, nioSSL, subprocess, system]),
        .target(name: "MartletTelemetry", dependencies: ["MartletBase", logging]),
        .target(
            name: "MartletExchange",
            dependencies: ["MartletBase", "MartletLogic", "MartletWire", "MartletNet", "MartletTelemetry", nioCore]),
        // What Debian has: libxml2-dev, zlib1g-dev, libuchardet-dev, libssl-dev
        .systemLibrary(name: "CXML2", pkgConfig: "libxml-2.0"),
        .systemLibrary(name: "CZlib"),
        .systemLibrary(name: "CUchardet"),
        .systemLibrary(name: "CCrypto"),
        // Floor 3: workshops
        .target(
            name: "MartletGateway",
            dependencies: [
                "MartletBase", "MartletLogic", "MartletWire", "MartletNet", "MartletTelemetry", "MartletExchange",
                nioCore, nioPosix, nioTLS, nioSSL, logging,
            ]),
        .target(
            name: "MartletWorkers",
            dependencies: [
                "MartletBase", "MartletLogic", "MartletWire", "MartletNet", "MartletTelemetry", "MartletExchange",
                nioCore, nioPosix, logging, lifecycle,
            ]),
        .target(
            name: "MartletTasks",
            dependencies: [
                "MartletBase", "MartletLogic", "MartletWire", "MartletNet", "MartletStore", nioCore, nioPosix, logging,
            ]),
        .target(
            name: "MartletKnowledge",
            dependencies: [
                "MartletBase", "MartletLogic", "MartletWire", "MartletNet", "MartletStore", "MartletTelemetry", "CMartlet",
                "CXML2", "CZlib", "CUchardet", "CCrypto", nioCore, nioPosix, logging,
            ]),
        // Floor 4: front desk
        .target(
            name: "MartletConsole",
            dependencies: [
                "MartletBase", "MartletLogic", "MartletWire", "MartletNet", "MartletTelemetry", "MartletExchange",
                "MartletGateway", "MartletWorkers", "MartletTasks", nioCore,
            ],
            resources: [.embedInCode("Tasks/tasks.html"), .embedInCode("Knowledge/knowledge.html")]),
        .target(
            name: "Martlet",
            dependencies: [
                "MartletBase", "MartletLogic", "MartletWire", "MartletNet", "MartletTelemetry", "MartletExchange",
                "MartletGateway", "MartletWorkers", "MartletTasks", "MartletKnowledge", "MartletConsole",
                nioCore, nioPosix, nioSSL, logging, lifecycle, signals, yams,
            ],
            // The same file as the Python SDK's.
            resources: [.embedInCode("ChainHTTP/playground.html")]),
        .target(
            name: "MartletTools",
            dependencies: ["MartletBase", nioCore, nioPosix, arguments]),
        .executableTarget(
            name: "martlet",
            dependencies: ["Martlet", "MartletBase", "MartletNet", "MartletTelemetry", "MartletTools", arguments]),
        // Code of users: the example, whose own manifest is beside it, the chains that are compared with LangServe's, and
        // tasks that Celery sends
        .executableTarget(name: "jokes", dependencies: ["Martlet"], path: "Examples/Chains/Sources/Jokes"),
        .executableTarget(name: "chain-peer", dependencies: ["Martlet"], path: "Tests/Peers/langserve/Swift"),
        .executableTarget(name: "task-peer", dependencies: ["Martlet"], path: "Tests/Peers/celery/Swift"),
        // For `./martlet bench` only: a request to a worker without HTTP
        .executableTarget(
            name: "link-bench",
            dependencies: [
                "MartletBase", "MartletLogic", "MartletWire", "MartletNet", "MartletExchange", "MartletWorkers",
                nioCore, nioPosix, logging,
            ],
            path: "Benchmarks/Link", swiftSettings: settings),
        // For `./martlet bench` only: tasks through Martlet's own producer and worker
        .executableTarget(
            name: "task-bench",
            dependencies: [
                "MartletBase", "MartletLogic", "MartletWire", "MartletNet", "MartletTasks", nioCore, nioPosix, logging,
            ],
            path: "Benchmarks/Queue", swiftSettings: settings),
        // For `./martlet bench` only: searches in the embedded knowledge engine
        .executableTarget(
            name: "knowledge-bench", dependencies: ["MartletKnowledge", "MartletLogic"], path: "Benchmarks/Search",
            swiftSettings: settings),
        // For tests only
        .target(
            name: "MartletTesting",
            dependencies: [
                "MartletBase", "MartletLogic", "MartletWire", "MartletNet", "MartletTelemetry", "MartletExchange", nioCore,
                nioEmbedded,
            ]),
        .testTarget(name: "MartletBaseTests", dependencies: ["MartletBase"]),
        .testTarget(name: "MartletLogicTests", dependencies: ["MartletLogic", "MartletBase", "MartletTesting"]),
        .testTarget(
            name: "MartletWireTests",
            dependencies: [
                "MartletWire", "MartletBase", nioCore, nioEmbedded, .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            exclude: ["Corpus"]),
        .testTarget(
            name: "MartletNetTests",
            dependencies: [
                "MartletNet", "MartletBase", "MartletWire", nioCore, nioEmbedded, nioPosix, nioSSL,
            ]),
        .testTarget(name: "MartletStoreTests", dependencies: ["MartletStore", "MartletBase"]),
        .testTarget(name: "MartletTelemetryTests", dependencies: ["MartletTelemetry", "MartletBase", logging]),
        .testTarget(
            name: "MartletWorkersTests",
            dependencies: [
                "MartletWorkers", "MartletExchange", "MartletNet", "MartletWire", "MartletLogic", "MartletBase",
                "MartletTesting", nioCore, nioPosix, logging, .product(name: "InMemoryLogging", package: "swift-log"),
            ]),
        .testTarget(
            name: "MartletTasksTests",
            dependencies: [
                "MartletTasks", "MartletLogic", "MartletWire", "MartletNet", "MartletStore", "MartletBase", nioCore,
                nioPosix, logging,
            ]),
        .testTarget(
            name: "MartletKnowledgeTests",
            dependencies: [
                "MartletKnowledge", "MartletLogic", "MartletWire", "MartletNet", "MartletStore", "MartletBase",
                "MartletTelemetry", "CZlib", nioCore, nioPosix, logging,
            ]),
        .testTarget(name: "MartletToolsTests", dependencies: ["MartletTools", "MartletBase", nioCore, nioPosix]),
        .testTarget(
            name: "MartletTests",
            dependencies: [
                "Martlet", "MartletTesting", "MartletBase", "MartletLogic", "MartletNet", "MartletTelemetry",
                "MartletExchange", "MartletGateway", "MartletWire", "MartletWorkers", "MartletTasks",
                "MartletKnowledge", "MartletConsole", nioCore, nioPosix, logging,
            ]),
        .testTarget(
            name: "MartletExchangeTests",
            dependencies: [
                "MartletExchange", "MartletTesting", "MartletBase", "MartletLogic", "MartletWire", "MartletTelemetry", nioCore,
            ]),
        .testTarget(
            name: "MartletGatewayTests",
            dependencies: [
                "MartletGateway", "MartletTesting", "MartletBase", "MartletLogic", "MartletWire", "MartletNet",
                "MartletTelemetry", "MartletExchange", nioCore, nioEmbedded, nioPosix, logging,
            ]),
        .testTarget(
            name: "MartletConsoleTests",
            dependencies: [
                "MartletConsole", "MartletTesting", "MartletBase", "MartletLogic", "MartletWire", "MartletNet",
                "MartletTelemetry", "MartletExchange", "MartletGateway", "MartletWorkers", "MartletTasks", nioCore,
                nioPosix, logging,
            ]),
        .testTarget(name: "TidyTests"),
        // The real binary, with mock backends and with foreign clients
        .testTarget(
            name: "Integration", dependencies: ["MartletTools", nioCore, nioPosix, nioSSL],
            exclude: ["Harness/README.md", "Backends/faulty_backend.py", "Serving/fake_worker.py"]),
        .testTarget(name: "ClientTests"),
    ]
)

// Users' code is compiled as users compile it.
for target in package.targets where target.name != "CMartlet" && target.type != .system && target.path == nil {
    target.swiftSettings = settings
    // Each room says what it is in its README.
    if target.type != .test { target.exclude += ["README.md"] }
}
