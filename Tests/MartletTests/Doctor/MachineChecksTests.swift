import Testing

@testable import Martlet
@testable import MartletNet

@Suite("The doctor and the machine")
struct MachineChecksTests {
    /// A machine on which all is well.
    private var healthy: MachineFacts {
        MachineFacts(
            openFiles: OpenFiles.Limit(soft: 1024, hard: 1_048_576), openFilesCeiling: 1_048_576,
            openFilesOfAll: 9_000_000, openFilesInUse: 2_000, watches: 5_000_000, acceptQueue: 4096,
            handshakeQueue: 2048, localPorts: 32_768...60_999, reservedPorts: [],
            connections: .init(used: 10, size: 262_144),
            memory: .init(total: 16 << 30, available: 12 << 30, limit: nil), cores: 8, isClockSynchronised: true,
            clockSeconds: 1_800_000_000, kernel: "6.1.0")
    }

    private func finding(
        _ check: String, _ change: (inout MachineFacts) -> Void = { _ in }, needs: MachineNeeds = MachineNeeds()
    ) throws -> Finding {
        var facts = healthy
        change(&facts)
        return try #require(MachineChecks.findings(facts, needs).first { $0.check == check })
    }

    @Test("finds nothing on a machine that is set up well")
    func nothing() {
        let findings = MachineChecks.findings(healthy, MachineNeeds(ports: [8080]))
        #expect(findings.count == 13)
        #expect(findings.allSatisfy { $0.verdict == .ok && $0.remedy == nil })
    }

    @Test("says what a limit on open files allows; a low soft limit is no trouble, Martlet raises it")
    func openFiles() throws {
        #expect(try finding("open files").seen == "soft 1024, hard 1048576: about 515840 requests in flight")
        let few = try finding("open files", { $0.openFiles = .init(soft: 20_000, hard: 20_000) })
        #expect(few.verdict == .warning)
        #expect(few.seen == "soft 20000, hard 20000: about 9588 requests in flight")
        #expect(few.remedy?.contains("LimitNOFILE=1048576") == true)
        #expect(try finding("open files", { $0.openFiles = .init(soft: 256, hard: 256) }).verdict == .failure)
    }

    @Test("compares the limit with what the file asks for")
    func askedFor() throws {
        let asked = try finding(
            "open files", { $0.openFiles = .init(soft: 1024, hard: 200_000) }, needs: MachineNeeds(openFiles: 300_000))
        #expect(asked.verdict == .warning)
        #expect(asked.seen.hasSuffix("limits.open_files asks for 300000"))
        #expect(try finding("open files", needs: MachineNeeds(openFiles: 2000)).seen.contains("about 911 requests"))
    }

    @Test("mends each setting of the kernel with one command", arguments: [
        ("fs.nr_open", "sysctl -w fs.nr_open=1048576"),
        ("fs.file-max", "sysctl -w fs.file-max=2099152"),
        ("fs.epoll.max_user_watches", "sysctl -w fs.epoll.max_user_watches=2097152"),
        ("net.core.somaxconn", "sysctl -w net.core.somaxconn=65535"),
        ("net.ipv4.tcp_max_syn_backlog", "sysctl -w net.ipv4.tcp_max_syn_backlog=8192"),
        ("net.ipv4.ip_local_port_range", "sysctl -w net.ipv4.ip_local_port_range='10240 65535'"),
        ("net.ipv4.ip_local_reserved_ports", "sysctl -w net.ipv4.ip_local_reserved_ports=7000-7010,40000"),
        ("net.netfilter.nf_conntrack_max", "sysctl -w net.netfilter.nf_conntrack_max=262144"),
        ("clock", "timedatectl set-ntp true"),
        ("memory", "limits: {buffered: 192MiB}"),
        ("cores", "threads: 8"),
    ])
    func mended(check: String, remedy: String) throws {
        let poor = { (facts: inout MachineFacts) in
            facts.openFilesCeiling = 65_536
            facts.openFilesOfAll = 500_000
            facts.watches = 300_000
            facts.acceptQueue = 128
            facts.handshakeQueue = 128
            facts.localPorts = 40_000...45_000
            facts.reservedPorts = [7000...7010]
            facts.connections = .init(used: 60_000, size: 65_536)
            facts.memory?.limit = 768 << 20
            facts.isClockSynchronised = false
        }
        let found = try finding(check, poor, needs: MachineNeeds(threads: 16, ports: [8080, 40_000]))
        #expect(found.verdict == .warning)
        #expect(found.remedy == remedy)
    }

    @Test("a clock that was never set serves no certificate; one that jumps is told")
    func clock() throws {
        #expect(try finding("clock", { $0.clockSeconds = 1_000 }).verdict == .failure)
        #expect(try finding("clock", { $0.clockStep = -3600 }).seen.hasSuffix("it jumped by -3600 s just now"))
        #expect(try finding("clock", { $0.isClockSynchronised = nil }).verdict == .ok)
    }

    @Test("leaves out what the kernel does not say")
    func unknown() {
        let findings = MachineChecks.findings(MachineFacts(clockSeconds: 1_800_000_000), MachineNeeds())
        #expect(findings.map(\.check) == ["cores", "clock", "kernel"])
    }
}

@Suite("What the doctor reads from the kernel")
struct MachineFactsTests {
    private func facts(_ files: [String: String]) -> MachineFacts {
        MachineFacts.read(cores: 2, since: ClockPair()) { files[$0] }
    }

    @Test("numbers, ranges and the firewall's table")
    func settings() {
        let read = facts([
            "/proc/sys/fs/file-nr": "530\t0\t2466177\n", "/proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
            "/proc/sys/net/ipv4/ip_local_reserved_ports": "8080,9000-9010\n",
            "/proc/sys/net/netfilter/nf_conntrack_count": "7\n", "/proc/sys/net/netfilter/nf_conntrack_max": "262144\n",
            "/proc/sys/kernel/osrelease": "6.1.0-18\n",
        ])
        #expect(read.openFilesInUse == 530)
        #expect(read.localPorts == 32_768...60_999)
        #expect(read.reservedPorts == [8080...8080, 9000...9010])
        #expect(read.connections == .init(used: 7, size: 262_144))
        #expect(read.kernel == "6.1.0-18")
        #expect(read.acceptQueue == nil && read.memory == nil)
        #expect(abs(read.clockStep) < 60)
    }

    private let memory = "MemTotal:       8000000 kB\nMemFree: 1 kB\nMemAvailable:    4000000 kB\n"

    @Test("the tightest limit of the control groups around it, of both versions")
    func limits() {
        let second = facts([
            "/proc/meminfo": memory, "/proc/self/cgroup": "0::/system.slice/martlet.service\n",
            "/sys/fs/cgroup/system.slice/memory.max": "1073741824\n",
            "/sys/fs/cgroup/system.slice/martlet.service/memory.max": "max\n",
        ])
        #expect(second.memory == .init(total: 8_192_000_000, available: 4_096_000_000, limit: 1 << 30))
        let first = facts([
            "/proc/meminfo": memory, "/proc/self/cgroup": "5:devices:/\n4:memory:/a/b\n",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "268435456\n",
        ])
        #expect(first.memory?.limit == 256 << 20)
        #expect(facts(["/proc/meminfo": memory, "/proc/self/cgroup": "0::/\n"]).memory?.limit == nil)
    }

    @Test("nonsense says nothing, and ends nothing")
    func nonsense() {
        let read = facts([
            "/proc/sys/net/ipv4/ip_local_port_range": "9 3", "/proc/meminfo": "MemTotal: many",
            "/proc/sys/net/ipv4/ip_local_reserved_ports": "-,7-3,x", "/proc/self/cgroup": "\n::\n0",
            "/proc/sys/fs/nr_open": "99999999999999999999999",
        ])
        #expect(read.localPorts == nil && read.memory == nil && read.openFilesCeiling == nil)
        #expect(read.reservedPorts.isEmpty)
    }
}
