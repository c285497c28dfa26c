import CMartlet
import Glibc
import MartletBase

/// The limit on open files of this process.
package enum OpenFiles {
    /// More than this buys nothing: every table that is sized by the limit (ours, a child's) would only grow.
    package static let ceiling = 1_048_576
    /// The line that lifts the limit in a service of systemd.
    package static let systemdRemedy = "LimitNOFILE=\(ceiling)"
    /// The line that lifts the limit in `limits.conf`.
    package static let limitsRemedy = "* hard nofile \(ceiling)"

    /// The soft limit (what is enforced) and the hard limit (how far the soft one can go).
    package struct Limit: Equatable, Sendable {
        package var soft: Int
        package var hard: Int
    }

    /// The limit as it stands.
    package static func limit() throws -> Limit {
        var soft: UInt64 = 0
        var hard: UInt64 = 0
        // SAFETY: both pointers outlive the call, which only writes through them.
        let code = unsafe martlet_open_files_get(&soft, &hard)
        guard code == 0 else { throw failure("read the limit on open files", code) }
        return Limit(soft: Int(clamping: soft), hard: Int(clamping: hard))
    }

    /// Raises the soft limit to `wanted`, or as near as the hard limit and ``ceiling`` allow; never lowers it.
    ///
    /// Returns the limit as it stands afterwards.
    package static func raise(to wanted: Int = ceiling) throws -> Limit {
        let now = try limit()
        let target = min(wanted, now.hard, ceiling)
        guard target > now.soft else { return now }
        let hard = now.hard == .max ? UInt64.max : UInt64(now.hard)
        let code = martlet_open_files_set(UInt64(target), hard)
        guard code == 0 else { throw failure("raise the limit on open files to \(target)", code) }
        return try limit()
    }

    /// Descriptors that this process has open; nil where `/proc` is not mounted. Looks at each: not for an event loop.
    package static func count() -> Int? {
        // But for the folder's own.
        entries(of: "/proc/self/fd").map { $0 - 1 }
    }

    /// Descriptors that the process `pid` has open; nil when it is gone or may not be looked at.
    package static func count(of pid: Int32) -> Int? { entries(of: "/proc/\(pid)/fd") }

    private static func entries(of folder: String) -> Int? {
        // SAFETY: the stream is used here only, between opendir and closedir; no entry is looked into.
        guard let stream = unsafe opendir(folder) else { return nil }
        defer { unsafe closedir(stream) }  // SAFETY: as above, the last use.
        var entries = 0
        while unsafe readdir(stream) != nil { entries += 1 }  // SAFETY: as above.
        // `.` and `..`.
        return entries - 2
    }

    private static func failure(_ operation: String, _ code: CInt) -> MartletError {
        MartletError(.internalError, operation: operation, cause: systemMessage(code))
    }
}
