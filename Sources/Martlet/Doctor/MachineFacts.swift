import MartletBase
import MartletNet

/// What the machine allows, read once: every check looks at the same values, and a test can make them up. nil: the
/// kernel does not say.
struct MachineFacts: Sendable, Equatable {
    struct Memory: Sendable, Equatable {
        var total: Int
        var available: Int
        /// Of the control group that this process is in; nil: none of its own.
        var limit: Int?
    }
    struct ConnectionTable: Sendable, Equatable {
        var used: Int
        var size: Int
    }

    /// Of this process: what a server started from this shell would have.
    var openFiles: OpenFiles.Limit?
    /// `fs.nr_open`: the highest limit that a process may be given.
    var openFilesCeiling: Int?
    /// `fs.file-max`, and how many are open: for all processes together.
    var openFilesOfAll: Int?
    var openFilesInUse: Int?
    /// `fs.epoll.max_user_watches`: descriptors that one user may wait for.
    var watches: Int?
    /// `net.core.somaxconn`: connections that wait to be accepted.
    var acceptQueue: Int?
    /// `net.ipv4.tcp_max_syn_backlog`: connections whose handshake is not over.
    var handshakeQueue: Int?
    /// `net.ipv4.ip_local_port_range`: what outgoing connections are given.
    var localPorts: ClosedRange<Int>?
    /// `net.ipv4.ip_local_reserved_ports`: but for these.
    var reservedPorts: [ClosedRange<Int>] = []
    /// The firewall's table; nil: it keeps none.
    var connections: ConnectionTable?
    var memory: Memory?
    var cores = 1
    var isClockSynchronised: Bool?
    /// Seconds since 1970 on the wall clock.
    var clockSeconds = 0.0
    /// Seconds that the wall clock moved by while the monotonic one stood still, or the other way round.
    var clockStep = 0.0
    var kernel = ""
}

/// Both clocks at one moment.
struct ClockPair: Sendable {
    private let wall = SystemClock.seconds
    private let monotonic = Instant.current

    /// How far the clocks went apart since `earlier`, in seconds.
    func step(since earlier: ClockPair) -> Double {
        (wall - earlier.wall) - (monotonic - earlier.monotonic).inSeconds
    }
}

extension MachineFacts {
    /// - Parameters:
    ///   - start: the clocks some moments ago.
    ///   - file: reads a file of the kernel's.
    static func read(
        cores: Int, since start: ClockPair, file: (String) -> String? = { kernelText($0) }
    ) -> MachineFacts {
        func numbers(_ path: String) -> [Int] {
            (file(path) ?? "").split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        }
        let files = numbers("/proc/sys/fs/file-nr")
        let ports = numbers("/proc/sys/net/ipv4/ip_local_port_range")
        let tracked = numbers("/proc/sys/net/netfilter/nf_conntrack_count").first
        let trackable = numbers("/proc/sys/net/netfilter/nf_conntrack_max").first
        return MachineFacts(
            openFiles: try? OpenFiles.limit(),
            openFilesCeiling: numbers("/proc/sys/fs/nr_open").first,
            openFilesOfAll: numbers("/proc/sys/fs/file-max").first,
            openFilesInUse: files.first,
            watches: numbers("/proc/sys/fs/epoll/max_user_watches").first,
            acceptQueue: numbers("/proc/sys/net/core/somaxconn").first,
            handshakeQueue: numbers("/proc/sys/net/ipv4/tcp_max_syn_backlog").first,
            localPorts: ports.count == 2 && ports[0] <= ports[1] ? ports[0]...ports[1] : nil,
            reservedPorts: portRanges(file("/proc/sys/net/ipv4/ip_local_reserved_ports") ?? ""),
            connections: tracked.flatMap { used in trackable.map { ConnectionTable(used: used, size: $0) } },
            memory: Memory(file), cores: cores, isClockSynchronised: SystemClock.isSynchronised,
            clockSeconds: SystemClock.seconds, clockStep: ClockPair().step(since: start),
            kernel: (file("/proc/sys/kernel/osrelease") ?? "").filter { !$0.isWhitespace })
    }

    /// `8080,9000-9010`.
    private static func portRanges(_ text: String) -> [ClosedRange<Int>] {
        text.split { $0 == "," || $0.isWhitespace }.compactMap { item in
            let ends = item.split(separator: "-").compactMap { Int($0) }
            guard let first = ends.first, let last = ends.last, first <= last else { return nil }
            return first...last
        }
    }
}

extension MachineFacts.Memory {
    init?(_ file: (String) -> String?) {
        var kilobytes: [Substring: Int] = [:]
        for line in (file("/proc/meminfo") ?? "").split(separator: "\n") {
            let words = line.split { $0 == ":" || $0 == " " }
            if words.count >= 2 { kilobytes[words[0]] = Int(words[1]) }
        }
        guard let total = kilobytes["MemTotal"], let available = kilobytes["MemAvailable"] else { return nil }
        self.init(total: total << 10, available: available << 10, limit: Self.limit(file))
    }

    /// The tightest limit of the process's control groups: its own, or one of those around it.
    private static func limit(_ file: (String) -> String?) -> Int? {
        let groups = (file("/proc/self/cgroup") ?? "").split(separator: "\n")
        return groups.flatMap { line -> [Int] in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return [] }
            let isUnified = fields[1].isEmpty
            guard isUnified || fields[1].split(separator: ",").contains("memory") else { return [] }
            let root = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
            let name = isUnified ? "memory.max" : "memory.limit_in_bytes"
            let folders = fields[2].split(separator: "/")
            return (0...folders.count).compactMap { depth in
                let path = ([root] + folders.prefix(depth).map(String.init) + [name]).joined(separator: "/")
                return Int((file(path) ?? "").filter { !$0.isWhitespace })
            }
        // Without a limit version 1 says a number beyond any memory.
        }.filter { $0 < 1 << 60 }.min()
    }
}
