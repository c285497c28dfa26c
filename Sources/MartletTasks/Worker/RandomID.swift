import Glibc
import Synchronization

/// A random UUID (version 4) as text, in lower case: names a delivery, a task, a claim.
///
/// Each task needs two of them, and the system's randomness costs a call for eight bytes: it is asked for many at once.
package enum RandomID {
    private static let pool = Mutex<[UInt8]>([])
    private static let pooledBytes = 4096

    package static func make() -> String {
        var bytes = takeBytes()
        bytes[6] = bytes[6] & 0x0f | 0x40
        bytes[8] = bytes[8] & 0x3f | 0x80
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for (place, byte) in bytes.enumerated() {
            if place == 4 || place == 6 || place == 8 || place == 10 { text.append(UInt8(ascii: "-")) }
            text.append(digit(byte >> 4))
            text.append(digit(byte & 0x0f))
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func takeBytes() -> [UInt8] {
        pool.withLock { pool in
            if pool.isEmpty {
                pool = [UInt8](repeating: 0, count: pooledBytes)
                // SAFETY: the bytes are written within the closure only.
                unsafe pool.withUnsafeMutableBytes { bytes in
                    if let start = bytes.baseAddress { unsafe arc4random_buf(start, bytes.count) }
                }
            }
            defer { pool.removeLast(16) }
            return Array(pool.suffix(16))
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}
