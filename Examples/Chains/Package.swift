// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Chains",
    dependencies: [.package(name: "martlet", path: "../..")],
    targets: [
        .executableTarget(name: "jokes", dependencies: [.product(name: "Martlet", package: "martlet")], path: "Sources/Jokes")
    ]
)
