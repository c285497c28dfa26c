/// How a request failed.
package enum LoadFailure: String, CaseIterable, Sendable {
    /// No connection was made.
    case connect
    /// The connection ended before the answer's head was complete.
    case reset
    /// The status is not 2xx.
    case status
    /// The answer broke off before the end that its framing announces (its length, its last chunk), or was reset: every
    /// client sees that.
    case truncated
    /// The answer ended in good order, and the stream in it without its terminal marker or an error event: the client
    /// takes half of it for the whole.
    case silent
    /// The stream ended with an error event: it broke, and said so.
    case errorEvent = "error_event"
    /// The numbers of a stream's events are not contiguous, however it ended.
    case gap
    /// What came is not an HTTP answer.
    case malformed
    /// The body is not the expected one, or no event stream where one was asked for.
    case mismatch
    case timeout
}

/// Why no connection was made.
package enum ConnectFailure: String, CaseIterable, Sendable {
    case refused, reset, timeout
    /// Such as no descriptor or no port left on this side.
    case other
}

/// How the server ended a connection in the middle of an answer, or before it.
package enum BrokenBy: String, CaseIterable, Sendable {
    case reset, closed
}

/// What a run of ``LoadGenerator`` saw. Times are nanoseconds.
package struct LoadReport: Sendable {
    /// The `Host` and the path that were asked.
    package var asked = (host: "", path: "")
    /// From the first request to the end of the last.
    package var seconds = 0.0
    package var connections = 0
    package var requests = 0
    /// Requests whose answer was complete and as it should be.
    package var completed = 0
    /// Clients that left on purpose.
    package var left = 0
    /// Requests that were under way when the time was over.
    package var unfinished = 0
    package var failures: [LoadFailure: Int] = [:]
    package var statuses: [Int: Int] = [:]
    /// Answers that carried `Retry-After`, by status.
    package var retryAfter: [Int: Int] = [:]
    /// The ``LoadFailure/connect`` failures by their cause.
    package var connectFailures: [ConnectFailure: Int] = [:]
    /// The ``LoadFailure/reset`` and ``LoadFailure/truncated`` failures whose connection the server ended.
    package var brokenBy: [BrokenBy: Int] = [:]
    package var bytesReceived = 0
    /// Time to the complete answer, of those that completed: from the scheduled time at a fixed rate, else from
    /// sending.
    package var latency = Histogram()
    /// Time to the first byte, or of a stream to its first event, counted in the same way.
    package var first = Histogram()
    /// The same, only of those whose answer was complete in the end: without those who left.
    package var firstOfCompleted = Histogram()
    /// Second by second.
    package var series = LoadSeries()
    /// What became of each request, when asked for.
    package var ledger: [LedgerEntry] = []
    /// Events of all streams.
    package var events = 0
    /// Time between two events of a stream.
    package var gap = Histogram()
    /// From the moment the mock stamped an event to the moment it was read here; both on one machine's clock.
    package var transit = Histogram()
    /// Length and FNV-1a hash of the body that the others were compared with.
    package var bodyLength: Int?
    package var bodyHash: String?

    package init() {}

    package var failed: Int { failures.values.reduce(0, +) }
    package var requestsPerSecond: Double { seconds > 0 ? Double(completed) / seconds : 0 }

    mutating func merge(_ other: LoadReport) {
        seconds = max(seconds, other.seconds)
        connections += other.connections
        requests += other.requests
        completed += other.completed
        left += other.left
        unfinished += other.unfinished
        failures.merge(other.failures, uniquingKeysWith: +)
        statuses.merge(other.statuses, uniquingKeysWith: +)
        retryAfter.merge(other.retryAfter, uniquingKeysWith: +)
        connectFailures.merge(other.connectFailures, uniquingKeysWith: +)
        brokenBy.merge(other.brokenBy, uniquingKeysWith: +)
        firstOfCompleted.merge(other.firstOfCompleted)
        series.merge(other.series)
        ledger += other.ledger
        bytesReceived += other.bytesReceived
        latency.merge(other.latency)
        first.merge(other.first)
        events += other.events
        gap.merge(other.gap)
        transit.merge(other.transit)
        if bodyHash == nil {
            bodyHash = other.bodyHash
            bodyLength = other.bodyLength
        } else if let hash = other.bodyHash, hash != bodyHash {
            failures[.mismatch, default: 0] += 1
        }
    }

    package var json: String {
        var object = JSONObject()
        object.set("host", asked.host)
        object.set("path", asked.path)
        object.set("seconds", seconds)
        object.set("connections", connections)
        object.set("requests", requests)
        object.set("completed", completed)
        object.set("requests_per_second", requestsPerSecond)
        object.set("left", left)
        object.set("unfinished", unfinished)
        object.set("failed", failed)
        var kinds = JSONObject()
        for kind in LoadFailure.allCases { kinds.set(kind.rawValue, failures[kind] ?? 0) }
        object.set("failures", kinds)
        var codes = JSONObject()
        for (status, count) in statuses.sorted(by: { $0.key < $1.key }) { codes.set("\(status)", count) }
        object.set("statuses", codes)
        object.set("status_classes", statusClasses)
        var patient = JSONObject()
        for (status, count) in retryAfter.sorted(by: { $0.key < $1.key }) { patient.set("\(status)", count) }
        object.set("retry_after", patient)
        var causes = JSONObject()
        for cause in ConnectFailure.allCases { causes.set(cause.rawValue, connectFailures[cause] ?? 0) }
        object.set("connect_failures", causes)
        var ends = JSONObject()
        for end in BrokenBy.allCases { ends.set(end.rawValue, brokenBy[end] ?? 0) }
        object.set("broken_by", ends)
        object.set("bytes_received", bytesReceived)
        object.set("latency", latency.json)
        object.set("first", first.json)
        object.set("first_completed", firstOfCompleted.json)
        object.set("events", events)
        object.set("gap", gap.json)
        object.set("transit", transit.json)
        if let bodyHash, let bodyLength {
            object.set("body_length", bodyLength)
            object.set("body_hash", bodyHash)
        }
        object.set("series", series.json)
        return object.text
    }

    private var statusClasses: JSONObject {
        var object = JSONObject()
        for hundred in 2...5 {
            object.set("\(hundred)xx", statuses.filter { $0.key / 100 == hundred }.values.reduce(0, +))
        }
        return object
    }

    /// For people.
    package var text: String {
        var lines = [
            "\(completed) of \(requests) requests in \(Self.rounded(seconds)) s, \(Self.rounded(requestsPerSecond))/s, "
                + "\(connections) connections, \(bytesReceived) bytes"
        ]
        if left > 0 { lines.append("left on purpose: \(left)") }
        if unfinished > 0 { lines.append("unfinished: \(unfinished)") }
        lines.append("failures: \(Self.counts(failures))")
        if !connectFailures.isEmpty { lines.append("not connected: \(Self.counts(connectFailures))") }
        if !brokenBy.isEmpty { lines.append("cut by the server: \(Self.counts(brokenBy))") }
        for (status, count) in statuses.sorted(by: { $0.key < $1.key }) where !(200...299).contains(status) {
            lines.append("status \(status): \(count), \(retryAfter[status] ?? 0) with Retry-After")
        }
        if let bodyHash, let bodyLength { lines.append("body: \(bodyLength) bytes, hash \(bodyHash)") }
        lines.append(Self.row("latency", latency))
        lines.append(Self.row(events > 0 ? "first event" : "first byte", first))
        if events > 0 {
            lines.append("events: \(events), \(Self.rounded(Double(events) / max(seconds, 1e-9)))/s")
            lines.append(Self.row("between events", gap))
        }
        if transit.count > 0 { lines.append(Self.row("transit", transit)) }
        return lines.joined(separator: "\n")
    }

    private static func counts<Kind>(_ counts: [Kind: Int]) -> String
    where Kind: CaseIterable & RawRepresentable<String> {
        let words = Kind.allCases.compactMap { kind in counts[kind].map { "\(kind.rawValue) \($0)" } }
        return words.isEmpty ? "none" : words.joined(separator: ", ")
    }

    private static func row(_ name: String, _ histogram: Histogram) -> String {
        let title = name + String(repeating: " ", count: max(16 - name.count, 1))
        let quantiles = Histogram.rows.map { "\($0.name) \(milliseconds(histogram.quantile($0.fraction)))" }
        return title + quantiles.joined(separator: "  ") + "  max \(milliseconds(histogram.maximum)) ms"
    }

    private static func milliseconds(_ nanoseconds: UInt64) -> String { rounded(Double(nanoseconds) / 1e6) }

    private static func rounded(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
}
