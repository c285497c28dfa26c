import Glibc

/// What the operating system says about an errno, such as `No such file or directory`.
package func systemMessage(_ code: CInt) -> String {
    // SAFETY: strerror always returns a terminated string; it is copied before anything else can overwrite it.
    unsafe String(cString: strerror(code))
}

/// Why `path` cannot be read by this process, or nil when it can.
package func unreadableReason(_ path: String) -> String? {
    // SAFETY: the string is terminated and lives through the call.
    unsafe access(path, R_OK) == 0 ? nil : systemMessage(errno)
}

/// The first bytes of a small file of the kernel's (`/proc`, `/sys`) as text; nil when it cannot be read.
package func kernelText(_ path: String) -> String? {
    // SAFETY: the string is terminated and lives through the call.
    let fd = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { return nil }
    defer { close(fd) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    // SAFETY: the kernel writes at most `count` bytes into a buffer of that size.
    let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(fd, $0.baseAddress, $0.count) }
    guard count >= 0 else { return nil }
    return String(decoding: bytes.prefix(count), as: UTF8.self)
}

/// How many connections the kernel may hold for us between handshake and accept.
package enum ListenBacklog {
    /// The kernel's own bound (`net.core.somaxconn`), at most 65,535; NIO's default of 128 drops bursts.
    package static func fromKernel(path: String = "/proc/sys/net/core/somaxconn") -> CInt {
        let digits = kernelText(path)?.prefix { $0.isASCII && $0.isNumber } ?? ""
        // The kernel lowers what it finds too high, so a guess above its bound does no harm.
        return Int(digits).map { CInt(clamping: min(max($0, 1), 65_535)) } ?? 4096
    }
}
