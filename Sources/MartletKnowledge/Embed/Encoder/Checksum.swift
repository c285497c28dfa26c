import CZlib
import Foundation

/// Says whether two contents are the same, not who made them.
enum Checksum {
    /// CRC-32 as ZIP files have it.
    static func crc32(_ bytes: some ContiguousBytes) -> UInt32 {
        // SAFETY: zlib reads the buffer during the call only.
        unsafe bytes.withUnsafeBytes {
            UInt32(truncatingIfNeeded: unsafe crc32_z(0, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), $0.count))
        }
    }
}
