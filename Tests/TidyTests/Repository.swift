import Foundation

/// The files of the repository that this test belongs to.
struct Repository {
    struct File {
        /// From the root, such as `Sources/MartletBase/Time/Instant.swift`.
        var path: String
        var text: String
    }

    private static let skipped: Set<String> = [
        ".git", ".martlet", ".swiftpm", "node_modules", "__pycache__", ".venv", "DerivedData",
    ]

    let root: URL

    init(testFile: String = #filePath) {
        root = URL(fileURLWithPath: testFile).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    }

    func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
    }

    /// The names in a folder, sorted.
    func entries(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(folder).path).sorted()
    }

    /// The text files below a folder (the whole tree: ""), build products left out, at most 1 MiB each.
    func files(below folder: String, withExtension wanted: String? = nil) throws -> [File] {
        let prefix = folder.isEmpty ? "" : folder + "/"
        return try entries(folder).flatMap { name -> [File] in
            guard !Self.skipped.contains(name), !name.hasPrefix(".build") else { return [] }
            let path = prefix + name
            let values = try root.appendingPathComponent(path)
                .resourceValues(forKeys: [.isDirectoryKey, .isSymbolicLinkKey, .fileSizeKey])
            if values.isSymbolicLink == true { return [] }
            if values.isDirectory == true { return try files(below: path, withExtension: wanted) }
            guard wanted.map({ name.hasSuffix("." + $0) }) ?? true, values.fileSize ?? 0 <= 1 << 20,
                let text = try? text(path)
            else { return [] }
            return [File(path: path, text: text)]
        }
    }

    func swiftSources(below folder: String) throws -> [SwiftSource] {
        try files(below: folder, withExtension: "swift").map { SwiftSource(path: $0.path, text: $0.text) }
    }
}
