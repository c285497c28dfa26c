import Glibc

/// What the kernel says about this process.
package struct ProcessStats: Sendable {
    package var userSeconds: Double
    package var systemSeconds: Double
    package var residentBytes: Int
    package var startSecondsSince1970: Double
    /// The soft limit (`ulimit -n`).
    package var maximumDescriptors: Int
    package var descriptors: [FDKind: Int]

    package var openDescriptors: Int { descriptors.values.reduce(0, +) }

    /// Read from `/proc`: some microseconds, and about one more for each open descriptor. Not for an event loop.
    /// nil where `/proc` is not mounted.
    package static func now() -> ProcessStats? {
        guard let stat = ProcFile.text("/proc/self/stat"), let statm = ProcFile.text("/proc/self/statm"),
            let system = ProcFile.text("/proc/stat")
        else { return nil }
        return ProcessStats(stat: stat, statm: statm, system: system, descriptors: FDKind.census())
    }

    init?(stat: String, statm: String, system: String, descriptors: [FDKind: Int]) {
        // The command's name, in parentheses, may hold anything: fields are counted from the last parenthesis.
        guard let nameEnd = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: nameEnd)...].split(separator: " ")
        let pages = statm.split(separator: " ")
        let boot = system.split(separator: "\n").first { $0.hasPrefix("btime ") }?.split(separator: " ").last
        guard fields.count > 19, let user = Double(fields[11]), let kernel = Double(fields[12]),
            let start = Double(fields[19]), pages.count > 1, let resident = Int(pages[1]),
            let boot, let bootSeconds = Double(boot)
        else { return nil }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        let (bytes, overflow) = resident.multipliedReportingOverflow(by: sysconf(Int32(_SC_PAGESIZE)))
        userSeconds = user / ticks
        systemSeconds = kernel / ticks
        residentBytes = overflow ? 0 : bytes
        startSecondsSince1970 = bootSeconds + start / ticks
        maximumDescriptors = Self.descriptorLimit()
        self.descriptors = descriptors
    }

    private static func descriptorLimit() -> Int {
        var limit = rlimit()
        // SAFETY: the kernel fills the one structure that is passed.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        return Int(clamping: limit.rlim_cur)
    }
}
