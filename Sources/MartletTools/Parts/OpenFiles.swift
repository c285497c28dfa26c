#if canImport(Glibc)
import Glibc
#endif

/// Thousands of connections need thousands of descriptors, and the usual soft limit is 1,024.
enum OpenFiles {
    /// Raises this process's soft limit to its hard one; what it starts inherits it. Returns the limit that holds.
    @discardableResult
    static func raise() -> Int {
        var limit = rlimit()
        // SAFETY: both calls read or write one struct of ours for as long as the call lasts.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        var raised = limit
        raised.rlim_cur = limit.rlim_max
        // SAFETY: as above.
        let done = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0
        return Int(clamping: done ? raised.rlim_cur : limit.rlim_cur)
    }
}
