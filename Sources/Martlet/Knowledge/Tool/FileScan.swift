import Foundation
import MartletLogic

/// Files that the command line names, and those in folders it names.
struct FileScan: Sendable, Equatable {
    struct File: Sendable, Equatable {
        /// Of the document: in a folder the way from there, with slashes.
        var name: String
        var path: String
        var mark: FileMark
    }

    /// By name.
    private(set) var files: [File] = []
    /// What cannot be taken, each a sentence that names it.
    private(set) var flaws: [String] = []

    /// What begins with a dot is left out in folders, and so are links to folders, which may lead round in a circle.
    init(_ paths: [String]) {
        for path in paths {
            switch Self.kind(of: path) {
            case .folder: look(into: path, as: "")
            case .file(let mark): add(path, mark, as: URL(fileURLWithPath: path).lastPathComponent)
            case .other: flaws.append("\(printable(path)) is no file and no folder.")
            case nil: flaws.append("\(printable(path)) is not there, or may not be looked at.")
            }
        }
        files.sort { $0.name < $1.name }
        leaveOutDoubles()
    }

    private mutating func look(into folder: String, as prefix: String) {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            return flaws.append("\(printable(folder)) cannot be read.")
        }
        for name in names.sorted() where !name.hasPrefix(".") {
            let path = folder + (folder.hasSuffix("/") ? "" : "/") + name
            switch Self.kind(of: path) {
            case .folder where !Self.isLink(path): look(into: path, as: prefix + name + "/")
            case .file(let mark): add(path, mark, as: prefix + name)
            case .folder, .other: break
            case nil: flaws.append("\(printable(path)) may not be looked at.")
            }
        }
    }

    private mutating func add(_ path: String, _ mark: FileMark, as name: String) {
        guard KnowledgeName.isValid(document: name) else {
            return flaws.append("\(printable(path)) is not what a document may be called.")
        }
        files.append(File(name: name, path: path, mark: mark))
    }

    /// A base has one document of a name.
    private mutating func leaveOutDoubles() {
        var kept: [File] = []
        for file in files {
            if let last = kept.last, last.name == file.name {
                guard last.path != file.path else { continue }
                flaws.append("\(printable(file.path)) would be \(printable(file.name)), as \(printable(last.path)) is.")
            } else {
                kept.append(file)
            }
        }
        files = kept
    }

    // MARK: The disk

    private enum Kind {
        case file(FileMark), folder, other
    }

    /// Of what a link leads to; nil: nothing is there.
    private static func kind(of path: String) -> Kind? {
        let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: real) else { return nil }
        switch attributes[.type] as? FileAttributeType {
        case .typeRegular?:
            let modified = (attributes[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
            return .file(FileMark(bytes: (attributes[.size] as? NSNumber)?.intValue ?? 0, modified: modified))
        case .typeDirectory?: return .folder
        default: return .other
        }
    }

    private static func isLink(_ path: String) -> Bool {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil
    }
}

/// By which one sees that a file has changed.
struct FileMark: Sendable, Hashable {
    var bytes: Int
    /// Seconds since 1970.
    var modified: Double
}
