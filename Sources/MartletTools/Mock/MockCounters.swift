import Synchronization

/// What a mock backend has done so far.
package struct MockStats: Sendable, Equatable {
    /// `CLOCK_MONOTONIC` microseconds from which it has counted: another number, another life.
    package var startedMicroseconds: UInt64 = 0
    package var connections = 0
    package var requests = 0
    /// Requests that are being answered, or that wait or hang.
    package var active = 0
    package var completed = 0
    /// The client left before the end of its answer.
    package var cancelled = 0
    /// A fault ended the answer.
    package var failed = 0
    /// Events sent.
    package var tokensSent = 0
    /// Events generated for clients that had left: only `deaf` does so.
    package var tokensWasted = 0
    /// Slots there are (nil: no limit), taken now, and taken at most; and the same for those who wait for one.
    package var slots: Int?
    package var busy = 0
    package var mostBusy = 0
    package var waiting = 0
    package var mostWaiting = 0
    /// `CLOCK_MONOTONIC` microseconds of the last cancellation; 0 when there was none.
    package var lastCancelMicroseconds: UInt64 = 0
    /// Requests by path; anything the mock does not know counts as `other`.
    package var byPath: [String: Int] = [:]

    var json: JSONObject {
        var object = JSONObject()
        object.set("started_us", startedMicroseconds)
        object.set("connections", connections)
        object.set("requests", requests)
        object.set("active", active)
        object.set("completed", completed)
        object.set("cancelled", cancelled)
        object.set("failed", failed)
        object.set("tokens_sent", tokensSent)
        object.set("tokens_wasted", tokensWasted)
        object.set("slots", slots ?? 0)
        object.set("busy", busy)
        object.set("max_busy", mostBusy)
        object.set("waiting", waiting)
        object.set("max_waiting", mostWaiting)
        object.set("last_cancel_us", lastCancelMicroseconds)
        var paths = JSONObject()
        for (path, count) in byPath.sorted(by: { $0.key < $1.key }) { paths.set(path, count) }
        object.set("by_path", paths)
        return object
    }
}

/// The counters behind ``MockStats``, bumped from every event loop. The requests that steer the mock are not counted.
final class MockCounters: Sendable {
    private let started = monotonicNanoseconds()
    let connections = Atomic(0)
    let requests = Atomic(0)
    let active = Atomic(0)
    let completed = Atomic(0)
    let cancelled = Atomic(0)
    let failed = Atomic(0)
    let tokensSent = Atomic(0)
    let tokensWasted = Atomic(0)
    let lastCancelMicroseconds = Atomic<UInt64>(0)
    private let chat = Atomic(0)
    private let completions = Atomic(0)
    private let embeddings = Atomic(0)
    private let models = Atomic(0)
    private let health = Atomic(0)
    private let other = Atomic(0)

    func received(_ endpoint: MockEndpoint) {
        requests.add(1, ordering: .relaxed)
        active.add(1, ordering: .relaxed)
        switch endpoint {
        case .chat: chat.add(1, ordering: .relaxed)
        case .completions: completions.add(1, ordering: .relaxed)
        case .embeddings: embeddings.add(1, ordering: .relaxed)
        case .models: models.add(1, ordering: .relaxed)
        case .health: health.add(1, ordering: .relaxed)
        default: other.add(1, ordering: .relaxed)
        }
    }

    func ended(_ state: MockRequestState, now: UInt64) {
        active.subtract(1, ordering: .relaxed)
        switch state {
        case .completed: completed.add(1, ordering: .relaxed)
        case .failed: failed.add(1, ordering: .relaxed)
        case .cancelled:
            cancelled.add(1, ordering: .relaxed)
            lastCancelMicroseconds.store(now / 1000, ordering: .relaxed)
        case .waiting, .streaming: break
        }
    }

    var stats: MockStats {
        var stats = MockStats()
        stats.startedMicroseconds = started / 1000
        stats.connections = connections.load(ordering: .relaxed)
        stats.requests = requests.load(ordering: .relaxed)
        stats.active = active.load(ordering: .relaxed)
        stats.completed = completed.load(ordering: .relaxed)
        stats.cancelled = cancelled.load(ordering: .relaxed)
        stats.failed = failed.load(ordering: .relaxed)
        stats.tokensSent = tokensSent.load(ordering: .relaxed)
        stats.tokensWasted = tokensWasted.load(ordering: .relaxed)
        stats.lastCancelMicroseconds = lastCancelMicroseconds.load(ordering: .relaxed)
        stats.byPath = [
            "/v1/chat/completions": chat.load(ordering: .relaxed),
            "/v1/completions": completions.load(ordering: .relaxed),
            "/v1/embeddings": embeddings.load(ordering: .relaxed),
            "/v1/models": models.load(ordering: .relaxed),
            "/health": health.load(ordering: .relaxed),
            "other": other.load(ordering: .relaxed),
        ]
        return stats
    }
}
