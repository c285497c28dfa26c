import Glibc

/// How much a process holds, as the kernel counts it.
package struct ProcessVitals: Sendable, Equatable {
    package let descriptors: Int
    /// How many descriptors it may have (the soft limit).
    package let descriptorLimit: Int
    package let residentBytes: Int

    /// nil: the process is gone, or may not be looked at. Takes some microseconds, and more for each descriptor: not
    /// for an event loop.
    package init?(of pid: Int32) {
        let names = ProcFile.entries(of: "/proc/\(pid)/fd")
        let pages = ProcFile.text("/proc/\(pid)/statm")?.split(separator: " ") ?? []
        guard !names.isEmpty, pages.count > 1, let resident = Int(pages[1]) else { return nil }
        descriptors = names.count
        descriptorLimit = ProcFile.text("/proc/\(pid)/limits").flatMap(HeldFiles.limit) ?? .max
        let (bytes, overflow) = resident.multipliedReportingOverflow(by: sysconf(Int32(_SC_PAGESIZE)))
        residentBytes = overflow ? .max : bytes
    }
}
