import CMartlet
import Glibc

/// A file without a name, in memory: bytes that can be handed to another process as a descriptor.
package enum MemoryFile {
    /// nil when the kernel has no room for it. The caller owns the descriptor.
    package static func make(_ name: String, holding bytes: [UInt8]) -> CInt? {
        // SAFETY: the name is terminated and lives through the call.
        let file = unsafe martlet_memory_file(name)
        guard file >= 0 else { return nil }
        // SAFETY: the kernel reads `count` bytes of the array during the call.
        let written = unsafe bytes.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
        guard written == bytes.count else {
            close(file)
            return nil
        }
        return file
    }
}
