/// The processes of this machine, as far as this one may see them: who started whom.
package struct ProcessTable: Sendable {
    package struct Entry: Sendable, Equatable {
        package let pid: Int32
        package let parent: Int32
        /// The first 15 bytes of the program's name.
        package let name: String
    }

    package let entries: [Int32: Entry]

    init(_ entries: [Entry]) {
        self.entries = Dictionary(entries.map { ($0.pid, $0) }) { first, _ in first }
    }

    /// Reads `/proc`.
    package static func now() -> ProcessTable {
        ProcessTable(
            ProcFile.entries(of: "/proc").compactMap { name in
                Int32(name).flatMap { pid in ProcFile.text("/proc/\(pid)/stat").flatMap { Entry(pid: pid, stat: $0) } }
            })
    }

    /// `root` and all it started, and what those started, each parent before its children.
    package func family(of root: Int32) -> [Entry] {
        guard let first = entries[root] else { return [] }
        let children = Dictionary(grouping: entries.values, by: \.parent)
        var family = [first]
        var next = 0
        while next < family.count {
            // A process is nobody's child twice, but what is read at different moments may say so.
            let known = Set(family.map(\.pid))
            family += (children[family[next].pid] ?? []).filter { !known.contains($0.pid) }.sorted { $0.pid < $1.pid }
            next += 1
        }
        return family
    }

    /// The process that runs the same program and started this one, if it was started so: the parent that supervises.
    package func supervisor(of pid: Int32) -> Int32? {
        guard let parent = entries[pid]?.parent, parent > 1,
            let program = ProcFile.link("/proc/\(pid)/exe"), ProcFile.link("/proc/\(parent)/exe") == program
        else { return nil }
        return parent
    }
}

extension ProcessTable.Entry {
    /// nil: not what the kernel writes.
    init?(pid: Int32, stat: String) {
        // The name may hold anything, parentheses and spaces as well.
        guard let open = stat.firstIndex(of: "("), let close = stat.lastIndex(of: ")"), open < close else { return nil }
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        guard fields.count > 1, let parent = Int32(fields[1]) else { return nil }
        self.init(pid: pid, parent: parent, name: String(stat[stat.index(after: open)..<close]))
    }
}
