import Foundation
import Testing

/// The manifest beside the Swift example, which its users build by, while CI builds the same sources by Martlet's own.
@Suite(.serialized, .timeLimit(.minutes(3))) struct ExamplePackageTests {
    private struct Manifest: Decodable {
        struct Target: Decodable {
            struct Dependency: Decodable {
                /// Of another package: the product's name, then the package's.
                var product: [String?]?
            }

            var name: String
            var path: String?
            var type: String
            var dependencies: [Dependency]
        }
        struct Product: Decodable {
            var name: String
        }
        struct Dependency: Decodable {
            struct Folder: Decodable {
                var path: String
            }

            var fileSystem: [Folder]?
        }
        struct Version: Decodable {
            var _version: String
        }

        var name: String
        var targets: [Target]
        var products: [Product]
        var dependencies: [Dependency]
        var toolsVersion: Version
    }

    /// As the package manager reads it, which neither fetches nor builds anything for that.
    private func manifest(of folder: URL) async throws -> Manifest {
        let scratch = FileManager.default.temporaryDirectory.appending(path: "martlet-manifest-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: scratch) }
        let words = ["package", "--package-path", folder.path, "--scratch-path", scratch.path, "dump-package"]
        let run = try await CommandRun.tool("swift", words, within: .seconds(60))
        try #require(run.status == 0, "\(run.output)")
        return try JSONDecoder().decode(Manifest.self, from: Data(run.standardOutput.utf8))
    }

    @Test func itNamesTheSourcesThatMartletsOwnManifestBuildsAndAProductThatThereIs() async throws {
        let folder = Repository.root.appending(path: "Examples/Chains")
        let (example, own) = (try await manifest(of: folder), try await manifest(of: Repository.root))
        #expect(example.toolsVersion._version == own.toolsVersion._version)
        let target = try #require(example.targets.first, "it has no target")
        let built = try #require(own.targets.first { $0.name == target.name }, "\(target.name) is not built in CI")
        #expect(built.type == "executable" && target.type == "executable")
        #expect(built.path == "Examples/Chains/" + (target.path ?? "Sources/\(target.name)"))
        let product = try #require(target.dependencies.first?.product, "it depends on no product")
        #expect(product.prefix(2) == ["Martlet", own.name])
        #expect(own.products.contains { $0.name == product[0] })
        let folders = example.dependencies.flatMap { $0.fileSystem ?? [] }.map { URL(filePath: $0.path) }
        #expect(folders.map(\.standardizedFileURL.path) == [Repository.root.standardizedFileURL.path])
    }
}
