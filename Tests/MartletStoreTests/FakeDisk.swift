import MartletBase
import MartletStore
import Synchronization

/// A folder in memory that knows what a crash would leave of it: what was written counts once the file was synced, a
/// name once the folder was synced; of the rest any part may be there.
final class FakeDisk: Files {
    /// How a crash treats what was not synced.
    enum Loss: CustomStringConvertible {
        /// The process was killed: nothing is lost, and nothing became durable either.
        case nothing
        case everything
        /// Names were kept, contents lost.
        case contents
        /// Contents were kept, names lost.
        case names
        /// All was kept, but of the last write only so many bytes.
        case torn(Int)
        /// For each name and each sector by chance.
        case random(UInt64)

        var description: String {
            switch self {
            case .nothing: "nothing lost"
            case .everything: "everything lost"
            case .contents: "contents lost"
            case .names: "names lost"
            case .torn(let bytes): "torn after \(bytes)"
            case .random(let seed): "random \(seed)"
            }
        }
    }

    /// As small as possible, but the head of a file is always whole.
    private static let sectorBytes = 64

    struct Content {
        var bytes: [UInt8] = []
        var durable: [UInt8] = []
        /// Where the last write began, if nothing was synced since.
        var lastWrite: Int?
        /// Bytes that a failed sync gave up: they can be read, but will never be durable.
        var isSpoiled = false
    }

    fileprivate struct Naming {
        var name: String
        var file: Int?
    }

    struct State {
        var contents: [Content] = []
        var names: [String: Int] = [:]
        var durableNames: [String: Int] = [:]
        fileprivate var namings: [Naming] = []
        var isLocked = false
        /// Operations that changed something, or tried to.
        var operations: [String] = []
        /// From this operation on everything fails.
        var failsFrom = Int.max
        /// Whether the first operation that fails has its effect nevertheless.
        var failsLate = false
        /// What all files together may hold, in bytes.
        var capacity = Int.max
        var failingSyncs = 0
    }

    let folder = "fake"
    private let state: Mutex<State>
    /// Called at each sync of a file.
    private let onSync: @Sendable () -> Void

    init(_ state: State = State(), onSync: @escaping @Sendable () -> Void = {}) {
        self.state = Mutex(state)
        self.onSync = onSync
    }

    var operations: [String] { state.withLock { $0.operations } }

    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    func bytes(of name: String) -> [UInt8] {
        state.withLock { state in state.names[name].map { state.contents[$0].bytes } ?? [] }
    }

    /// Changes what is on the disk, as a fault of the disk would.
    func set(_ name: String, _ bytes: [UInt8]) {
        state.withLock { state in
            guard let file = state.names[name] else { return }
            state.contents[file].bytes = bytes
            state.contents[file].durable = bytes
        }
    }

    // MARK: Crashes

    /// The disk as the next process finds it.
    func crashed(_ loss: Loss) -> FakeDisk {
        var state = state.withLock { $0 }
        (state.isLocked, state.operations, state.failsFrom) = (false, [], .max)
        var random = SplitMix64(seed: 0)
        if case .random(let seed) = loss { random = SplitMix64(seed: seed) }
        for index in state.contents.indices { Self.lose(&state.contents[index], loss, &random) }
        if case .nothing = loss { return FakeDisk(state) }

        switch loss {
        case .contents, .torn: state.durableNames = state.names
        case .random:
            for naming in state.namings where Bool.random(using: &random) {
                state.durableNames[naming.name] = naming.file
            }
        case .nothing, .everything, .names: break
        }
        state.names = state.durableNames
        state.namings = []
        return FakeDisk(state)
    }

    private static func lose(_ content: inout Content, _ loss: Loss, _ random: inout SplitMix64) {
        switch loss {
        case .nothing: return
        case .everything, .contents: content.bytes = content.durable
        case .names: break
        case .torn(let bytes):
            if let start = content.lastWrite { content.bytes = Array(content.bytes.prefix(start + bytes)) }
        case .random:
            var kept = content.durable
            for start in stride(from: 0, to: content.bytes.count, by: sectorBytes) where Bool.random(using: &random) {
                let end = min(start + sectorBytes, content.bytes.count)
                if kept.count < end { kept += [UInt8](repeating: 0, count: end - kept.count) }
                kept.replaceSubrange(start..<end, with: content.bytes[start..<end])
            }
            content.bytes = kept
        }
        if content.isSpoiled { content.bytes = content.durable }
        content.durable = content.bytes
        content.lastWrite = nil
    }

    // MARK: Files

    func lock() throws(FilesError) -> Bool {
        state.withLock { state in
            defer { state.isLocked = true }
            return !state.isLocked
        }
    }

    func unlock() { state.withLock { $0.isLocked = false } }

    func list() throws(FilesError) -> [String] { state.withLock { Array($0.names.keys) } }

    func create(_ name: String) throws(FilesError) -> any WritableFile {
        let file = try step("create", name) { state in
            if state.names[name] != nil { state.namings.append(Naming(name: name, file: nil)) }
            state.contents.append(Content())
            state.names[name] = state.contents.count - 1
            state.namings.append(Naming(name: name, file: state.contents.count - 1))
            return state.contents.count - 1
        }
        return FakeFile(self, file: file, name: name)
    }

    func read(_ name: String) throws(FilesError) -> any ReadableFile {
        let bytes = state.withLock { state in state.names[name].map { state.contents[$0].bytes } }
        guard let bytes else { throw Self.error("open", name, "no such file") }
        return FakeReader(bytes)
    }

    func truncate(_ name: String, to bytes: Int) throws(FilesError) {
        try step("truncate", name) { state in
            guard let file = state.names[name] else { return }
            state.contents[file].bytes = Array(state.contents[file].bytes.prefix(bytes))
            state.sync(file)
        }
    }

    func rename(_ name: String, to new: String) throws(FilesError) {
        try step("rename", name) { state in
            let file = state.names.removeValue(forKey: name)
            state.names[new] = file
            state.namings += [Naming(name: new, file: file), Naming(name: name, file: nil)]
        }
    }

    func remove(_ name: String) throws(FilesError) {
        try step("remove", name) { state in
            state.names[name] = nil
            state.namings.append(Naming(name: name, file: nil))
        }
    }

    func syncFolder() throws(FilesError) {
        try step("sync folder", folder) { state in
            state.durableNames = state.names
            state.namings = []
        }
    }

    // MARK: Of one file

    fileprivate func write(_ bytes: [UInt8], to file: Int, at offset: Int, _ name: String) throws(FilesError) {
        let isWhole = try step("write", name) { state in
            let used = state.names.values.reduce(0) { $0 + state.contents[$1].bytes.count }
            let end = offset + bytes.count
            let fits = max(0, min(bytes.count, state.capacity - used))
            let written = end <= state.contents[file].bytes.count ? bytes.count : fits
            state.contents[file].lastWrite = offset
            let rest = state.contents[file].bytes.dropFirst(offset + written)
            state.contents[file].bytes = Array(state.contents[file].bytes.prefix(offset) + bytes.prefix(written) + rest)
            return written == bytes.count
        }
        guard isWhole else { throw Self.error("write", name, "no space left") }
    }

    fileprivate func reserve(_ file: Int, upTo bytes: Int, _ name: String) {
        _ = try? step("reserve", name) { state in
            let missing = bytes - state.contents[file].bytes.count
            if missing > 0 { state.contents[file].bytes += [UInt8](repeating: 0, count: missing) }
        }
    }

    fileprivate func sync(_ file: Int, _ name: String) throws(FilesError) {
        onSync()
        let isDone = try step("sync", name) { state in
            guard state.failingSyncs == 0 else {
                state.failingSyncs -= 1
                state.contents[file].isSpoiled = true
                return false
            }
            state.sync(file)
            return true
        }
        guard isDone else { throw Self.error("sync", name, "input/output error") }
    }

    private func step<T: Sendable>(
        _ operation: String, _ name: String, _ body: (inout State) -> T
    ) throws(FilesError) -> T {
        let result = state.withLock { state -> T? in
            let number = state.operations.count
            state.operations.append("\(operation) \(name)")
            if number < state.failsFrom { return body(&state) }
            if number == state.failsFrom, state.failsLate { _ = body(&state) }
            return nil
        }
        guard let result else { throw Self.error(operation, name, "dead") }
        return result
    }

    private static func error(_ operation: String, _ name: String, _ reason: String) -> FilesError {
        FilesError(operation: operation, file: name, code: 5, reason: reason)
    }
}

extension FakeDisk.State {
    fileprivate mutating func sync(_ file: Int) {
        // After a sync that failed all later ones are good for nothing, and say that all is well.
        guard !contents[file].isSpoiled else { return }
        contents[file].durable = contents[file].bytes
        contents[file].lastWrite = nil
    }
}

private final class FakeFile: WritableFile {
    private let disk: FakeDisk
    private let file: Int
    private let name: String
    private let end = Mutex(0)

    init(_ disk: FakeDisk, file: Int, name: String) {
        (self.disk, self.file, self.name) = (disk, file, name)
    }

    func write(_ bytes: [UInt8]) throws(FilesError) {
        let offset = end.withLock { end in
            defer { end += bytes.count }
            return end
        }
        try disk.write(bytes, to: file, at: offset, name)
    }

    func reserve(upTo bytes: Int) { disk.reserve(file, upTo: bytes, name) }

    func sync() throws(FilesError) { try disk.sync(file, name) }
}

private final class FakeReader: ReadableFile {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var size: Int { bytes.count }

    func read(at offset: Int, count: Int) throws(FilesError) -> [UInt8] {
        Array(bytes.dropFirst(offset).prefix(count))
    }
}
