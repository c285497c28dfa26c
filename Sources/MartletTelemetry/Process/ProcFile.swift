import Glibc

/// Reading the kernel's small text files.
enum ProcFile {
    /// The whole file, at most `limit` bytes of it; nil when it cannot be read.
    static func text(_ path: String, limit: Int = 64 << 10) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)  // SAFETY: the path lives through the call.
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(limit, 256 << 10))
        while bytes.count < limit {
            // SAFETY: the kernel writes at most the chunk's size into the chunk.
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            bytes += chunk.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Where the links of a folder point, but for the one that reading the folder itself opens.
    static func links(in folder: String) -> [String] {
        entries(of: folder, besidesOwn: true).compactMap { link(folder + "/" + $0) }
    }

    /// The names in a folder.
    ///
    /// - Parameter besidesOwn: of this process's own descriptors, leaves out the one that reading the folder opens.
    static func entries(of folder: String, besidesOwn: Bool = false) -> [String] {
        // SAFETY: the stream is used here only, between opendir and closedir; an entry is used before the next is read.
        guard let stream = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(stream) }  // SAFETY: as above, the last use.
        let own = unsafe dirfd(stream).description  // SAFETY: as above.
        var names: [String] = []
        // SAFETY: as above.
        while let entry = unsafe readdir(stream) {
            // SAFETY: the kernel ends the name with a zero, within the entry.
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != "..", !(besidesOwn && name == own) { names.append(name) }
        }
        return names
    }

    /// Where a link points.
    static func link(_ path: String) -> String? {
        var target = [CChar](repeating: 0, count: 256)
        let count = unsafe readlink(path, &target, target.count)  // SAFETY: writes at most the array's size.
        guard count >= 0 else { return nil }
        return String(decoding: target.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
