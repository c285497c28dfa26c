import Foundation
import Testing

/// What a gateway holds when nobody asks it for anything.
struct Rest {
    let files: [String]
    let processes: Int
}

/// What must hold when a test is over, whatever it did: nothing is in flight, nothing is left open, the books balance.
extension MartletProcess {
    /// The state before the first request. Checks of targets come and go meanwhile, so the files are the fewest of
    /// several looks.
    func rest() async throws -> Rest {
        var fewest = try openFiles()
        for _ in 0..<10 {
            try await Task.sleep(for: .milliseconds(5))
            let now = try openFiles()
            if now.count < fewest.count { fewest = now }
        }
        return Rest(files: fewest, processes: try processes().count)
    }

    /// Waits until all is as it was before the first request; fails the test when that does not come.
    func settle(to before: Rest, within limit: Duration = .seconds(5)) async throws {
        try await until("nothing to be in flight", within: limit, explain: { "\(try await self.status())" }) {
            try await self.status().isAtRest
        }
        try await until(
            "descriptors to return to their number before the first request", within: limit,
            explain: { "before: \(before.files), now: \(try self.openFiles())" },
            condition: { try self.openFiles().count <= before.files.count })
        try await until("no socket in CLOSE_WAIT", within: limit) { try self.closeWaitCount() == 0 }
        try await until(
            "processes to be as many as before", within: limit,
            explain: { "before: \(before.processes), now: \(try self.processes())" },
            condition: { try self.processes().count == before.processes })
        var books: [String] = []
        try await until("the books to balance", within: limit, explain: { books.joined(separator: "; ") }) {
            books = try await self.imbalances()
            return books.isEmpty
        }
    }

    // MARK: Books

    /// What pools, meters and ledger say of the same requests and does not agree. Nothing must be in flight.
    private func imbalances() async throws -> [String] {
        let (pools, metrics) = (try await status().pools, try await metrics())
        var wrong: [String] = []
        for (series, labels) in [
            ("martlet_impossible_events_total", [:]), ("martlet_requests_total", ["outcome": "poisoned"]),
        ] where metrics.sum(series, labels) != 0 {
            wrong.append("\(series) \(labels): \(metrics.sum(series, labels))")
        }
        // One that was taken out and came back has begun to count its places anew.
        guard !log().contains("target removed") else { return wrong }
        // A place in the queue may be given to a request that has just left it.
        let inVain = ["client_gone", "timed_out"].reduce(0) { $0 + metrics.sum("martlet_requests_total", ["outcome": $1]) }
        for pool in pools {
            for target in pool.targets {
                let labels = ["pool": pool.name, "target": target.url]
                let attempts = metrics.sum("martlet_upstream_attempts_total", labels)
                let ended = metrics.sum("martlet_requests_total", labels)
                let isBalanced = (0...inVain).contains(Double(target.picks) - attempts) && ended <= attempts
                if !isBalanced {
                    wrong.append("\(target.url): \(target.picks) places, \(attempts) attempts, \(ended) ended there")
                }
            }
        }
        return wrong
    }

    // MARK: What the kernel says

    /// The process and its descendants.
    func processes() throws -> [Int32] {
        var found = [processID]
        var next = found.startIndex
        while next < found.endIndex {
            let folder = "/proc/\(found[next])/task"
            for task in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
                let text = (try? String(contentsOfFile: "\(folder)/\(task)/children", encoding: .utf8)) ?? ""
                found += text.split(separator: " ").compactMap { Int32($0) }
            }
            next += 1
        }
        return found
    }

    /// Sockets that their peers have closed and that are still open here.
    private func closeWaitCount() throws -> Int {
        let own = Set(try openFiles().compactMap { $0.wholeMatch(of: /socket:\[(\d+)\]/)?.1 })
        return try ["tcp", "tcp6"].map { table in
            try String(contentsOfFile: "/proc/net/\(table)", encoding: .utf8).split(separator: "\n").count { line in
                let fields = line.split(separator: " ")
                return fields.count > 9 && fields[3] == "08" && own.contains(fields[9])
            }
        }.reduce(0, +)
    }
}
