import Foundation
import MartletBase

/// A file or folder that Martlet writes to: as it is found.
struct PlaceFacts: Sendable, Equatable {
    enum State: Sendable, Equatable {
        case writable
        case readOnly
        /// It is a folder where a file should be, or the other way round.
        case wrongKind
        /// Nothing is there, and nothing can be made there: this folder is missing, or not ours to write to.
        case noFolder(String), readOnlyFolder(String)
    }
    var state: State
    /// Bytes free on its disk; nil where the system does not say.
    var free: Int?

    /// A file that may not exist yet.
    init(file path: String) {
        let files = FileManager.default
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        free = Self.free(folder)
        if let isFolder = files.isFolder(path) {
            state = isFolder ? .wrongKind : files.isWritableFile(atPath: path) ? .writable : .readOnly
        } else if files.isFolder(folder) == true {
            state = files.isWritableFile(atPath: folder) ? .writable : .readOnlyFolder(folder)
        } else {
            state = .noFolder(folder)
        }
    }

    /// A folder that has to be there.
    init(folder path: String) {
        free = Self.free(path)
        switch FileManager.default.isFolder(path) {
        case nil: state = .noFolder(path)
        case false?: state = .wrongKind
        case true?: state = FileManager.default.isWritableFile(atPath: path) ? .writable : .readOnly
        }
    }

    /// A folder that is made when it is needed, with those above it.
    init(futureFolder path: String) {
        var folder = URL(fileURLWithPath: path)
        while FileManager.default.isFolder(folder.path) == nil, folder.pathComponents.count > 1 {
            folder.deleteLastPathComponent()
        }
        self.init(folder: folder.path)
        let isThere = FileManager.default.isFolder(path) != nil
        if state == .readOnly, !isThere { state = .readOnlyFolder(folder.path) }
    }

    init(state: State, free: Int? = nil) {
        self.state = state
        self.free = free
    }

    private static func free(_ folder: String) -> Int? {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder)
        return (attributes?[.systemFreeSize] as? NSNumber)?.intValue
    }
}

enum PlaceCheck {
    /// Less than this on a disk that is written to without end is a matter of days.
    private static let littleSpace = 1 << 30

    /// - Parameter isNeeded: false: Martlet serves without it as well.
    static func finding(_ check: String, _ path: String, _ facts: PlaceFacts, isNeeded: Bool = true) -> Finding {
        var finding = judge(check, path, facts)
        if !isNeeded, finding.verdict == .failure { finding.verdict = .warning }
        return finding
    }

    private static func judge(_ check: String, _ path: String, _ facts: PlaceFacts) -> Finding {
        switch facts.state {
        case .writable: return space(check, path, facts.free)
        case .readOnly:
            return .failure(check, "\(path) is not writable by this user", remedy: "chown \(NSUserName()) \(path)")
        case .wrongKind:
            return .failure(check, "\(path) is not a file of the kind that is needed", remedy: "ls -ld \(path)")
        case .noFolder(let folder):
            return .failure(check, "\(path): there is no folder \(folder)", remedy: "mkdir -p \(folder)")
        case .readOnlyFolder(let folder):
            return .failure(
                check, "\(path) cannot be made: \(folder) is not writable by this user",
                remedy: "chown \(NSUserName()) \(folder)")
        }
    }

    private static func space(_ check: String, _ path: String, _ free: Int?) -> Finding {
        guard let free else { return .ok(check, "\(path) is writable") }
        let seen = "\(path) is writable, \(ByteCount.text((free >> 20) << 20)) free"
        return free < littleSpace ? .warning(check, seen, remedy: "df -h \(path)") : .ok(check, seen)
    }
}

extension FileManager {
    /// Whether the path is that of a folder; nil: nothing is there.
    func isFolder(_ path: String) -> Bool? {
        var isFolder: ObjCBool = false
        // SAFETY: the call writes through the pointer and does not keep it.
        guard unsafe fileExists(atPath: path, isDirectory: &isFolder) else { return nil }
        return isFolder.boolValue
    }
}
