import Foundation
import MartletBase
import MartletLogic
import MartletNet

/// What a configuration asks of the machine.
struct MachineNeeds: Sendable, Equatable {
    /// `limits.open_files`.
    var openFiles = OpenFiles.ceiling
    /// `limits.buffered`, bytes.
    var buffered = 1 << 30
    /// `threads`; nil: one for each core.
    var threads: Int?
    /// That something listens on.
    var ports: [Int] = []
}

/// The machine against what is asked of it: facts in, findings out.
enum MachineChecks {
    static func findings(_ facts: MachineFacts, _ needs: MachineNeeds) -> [Finding] {
        let checks = [
            openFiles, openFilesCeiling, openFilesOfAll, watches, acceptQueue, handshakeQueue, localPorts,
            reservedPorts, connectionTable, memory, cores, clock, kernel,
        ]
        return checks.compactMap { $0(facts, needs) }
    }

    // MARK: Descriptors

    /// What the articles on this trouble ask for, and what start-up warns below.
    static let manyFiles = 100_000

    static func openFiles(_ facts: MachineFacts, _ needs: MachineNeeds) -> Finding? {
        guard let limit = facts.openFiles else { return nil }
        let check = "open files"
        let usable = min(limit.hard, needs.openFiles, OpenFiles.ceiling)
        let seen = "soft \(limit.soft), hard \(limit.hard): about \(streams(usable)) requests in flight"
        let (unit, elsewhere) = (OpenFiles.systemdRemedy, OpenFiles.limitsRemedy)
        let remedy = "\(unit) in the systemd unit; elsewhere `\(elsewhere)` in limits.conf"
        if limit.hard < 1024 { return .failure(check, seen, remedy: remedy) }
        if needs.openFiles < OpenFiles.ceiling, needs.openFiles > limit.hard {
            return .warning(check, seen + "; limits.open_files asks for \(needs.openFiles)", remedy: remedy)
        }
        return limit.hard < manyFiles ? .warning(check, seen, remedy: remedy) : .ok(check, seen)
    }

    /// What the governor of a small configuration would allow.
    static func streams(_ openFiles: Int) -> Int {
        FileBudget(limit: openFiles, standing: 16).clients
    }

    static func openFilesCeiling(_ facts: MachineFacts, _ needs: MachineNeeds) -> Finding? {
        atLeast(min(needs.openFiles, manyFiles), facts.openFilesCeiling, "fs.nr_open", mend: OpenFiles.ceiling)
    }

    static func openFilesOfAll(_ facts: MachineFacts, _ needs: MachineNeeds) -> Finding? {
        guard let size = facts.openFilesOfAll else { return nil }
        let used = facts.openFilesInUse ?? 0
        let seen = "\(used) of \(size) in use by all processes"
        let wanted = min(needs.openFiles, facts.openFiles?.hard ?? needs.openFiles)
        guard size - used < wanted else { return .ok("fs.file-max", seen) }
        return .warning("fs.file-max", seen, remedy: "sysctl -w fs.file-max=\(used + 2 * wanted)")
    }

    static func watches(_ facts: MachineFacts, _ needs: MachineNeeds) -> Finding? {
        let wanted = min(needs.openFiles, facts.openFiles?.hard ?? needs.openFiles)
        return atLeast(wanted, facts.watches, "fs.epoll.max_user_watches", mend: 2 * wanted)
    }

    // MARK: Network

    static func acceptQueue(_ facts: MachineFacts, _: MachineNeeds) -> Finding? {
        atLeast(4096, facts.acceptQueue, "net.core.somaxconn", mend: 65_535)
    }

    static func handshakeQueue(_ facts: MachineFacts, _: MachineNeeds) -> Finding? {
        atLeast(1024, facts.handshakeQueue, "net.ipv4.tcp_max_syn_backlog", mend: 8192)
    }

    static func localPorts(_ facts: MachineFacts, _: MachineNeeds) -> Finding? {
        guard let ports = facts.localPorts else { return nil }
        let check = "net.ipv4.ip_local_port_range"
        let seen = "\(ports.lowerBound)-\(ports.upperBound): \(ports.count) connections to each target"
        guard ports.count < 20_000 else { return .ok(check, seen) }
        return .warning(check, seen, remedy: "sysctl -w net.ipv4.ip_local_port_range='10240 65535'")
    }

    static func reservedPorts(_ facts: MachineFacts, _ needs: MachineNeeds) -> Finding? {
        guard let local = facts.localPorts else { return nil }
        let check = "net.ipv4.ip_local_reserved_ports"
        let exposed = needs.ports.filter { port in
            local.contains(port) && !facts.reservedPorts.contains { $0.contains(port) }
        }
        guard !exposed.isEmpty else { return .ok(check, "no outgoing connection can sit on a port of ours") }
        let all = facts.reservedPorts.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
        let ports = exposed.map(String.init)
        return .warning(
            check, "\(ports.joined(separator: ", ")): an outgoing connection may sit there when we want to listen",
            remedy: "sysctl -w \(check)=\((all + ports).joined(separator: ","))")
    }

    static func connectionTable(_ facts: MachineFacts, _: MachineNeeds) -> Finding? {
        guard let table = facts.connections else { return nil }
        let check = "net.netfilter.nf_conntrack_max"
        let seen = "\(table.used) of \(table.size) tracked by the firewall"
        guard table.size < 65_536 || table.used > table.size / 5 * 4 else { return .ok(check, seen) }
        return .warning(check, seen, remedy: "sysctl -w \(check)=\(max(262_144, 2 * table.size))")
    }

    // MARK: Memory, processor, time

    static func memory(_ facts: MachineFacts, _ needs: MachineNeeds) -> Finding? {
        guard let memory = facts.memory else { return nil }
        let bound = min(memory.limit ?? .max, memory.total)
        let limit = memory.limit.map { ", limited to \(mebibytes($0))" } ?? ""
        let seen = "\(mebibytes(memory.available)) of \(mebibytes(memory.total)) free\(limit)"
        guard needs.buffered > bound / 4 * 3 else { return .ok("memory", seen) }
        return .warning(
            "memory", seen + "; limits.buffered allows \(ByteCount.text(needs.buffered)) for bodies alone",
            remedy: "limits: {buffered: \(mebibytes(bound / 4))}")
    }

    static func cores(_ facts: MachineFacts, _ needs: MachineNeeds) -> Finding? {
        let threads = needs.threads ?? facts.cores
        let seen = "\(facts.cores), event loops \(threads)"
        return threads > facts.cores ? .warning("cores", seen, remedy: "threads: \(facts.cores)") : .ok("cores", seen)
    }

    /// 2026-01-01: Martlet is younger, so that a clock before it was never set.
    private static let earliest = 1_767_225_600.0

    static func clock(_ facts: MachineFacts, _: MachineNeeds) -> Finding? {
        let date = Date(timeIntervalSince1970: facts.clockSeconds).formatted(.iso8601)
        if facts.clockSeconds < earliest {
            return .failure(
                "clock", "\(date): certificates are not valid yet", remedy: "timedatectl set-ntp true")
        }
        if abs(facts.clockStep) > 0.5 {
            return .warning(
                "clock", "\(date), and it jumped by \(Int(facts.clockStep.rounded())) s just now",
                remedy: "timedatectl timesync-status")
        }
        switch facts.isClockSynchronised {
        case true?: return .ok("clock", "\(date), synchronised")
        case nil: return .ok("clock", "\(date)")
        case false?:
            return .warning(
                "clock", "\(date), not synchronised: logs and certificates go by it",
                remedy: "timedatectl set-ntp true")
        }
    }

    static func kernel(_ facts: MachineFacts, _: MachineNeeds) -> Finding? {
        .ok("kernel", "Linux \(facts.kernel)")
    }

    private static func atLeast(_ wanted: Int, _ value: Int?, _ setting: String, mend: Int) -> Finding? {
        guard let value else { return nil }
        guard value < wanted else { return .ok(setting, "\(value)") }
        return .warning(setting, "\(value), at least \(wanted) is wanted", remedy: "sysctl -w \(setting)=\(mend)")
    }

    private static func mebibytes(_ bytes: Int) -> String { "\(bytes >> 20)MiB" }
}
