import MartletBase
package import MartletLogic
package import MartletWire
import NIOCore
import Synchronization

// What is known of tasks.
extension TaskDesk {
    private static let placesHold: Duration = .seconds(15)

    /// Everything that is known of a task: its state and result by the broker, its life by events, its place on a
    /// queue. nil: nobody knows it.
    package func task(_ id: String) async throws -> JSONValue? {
        var view = try await self.view(of: id, kept: try await kept(id))
        if view.isWaiting { view.place = try await placeIfRoom(of: id, on: view.queue) }
        return view.isKnown ? view.json : nil
    }

    /// nil also where too many ask for places: all else is told.
    private func placeIfRoom(of id: String, on queue: String?) async throws -> Place? {
        do {
            return try await place(of: id, on: queue)
        } catch let error as MartletError where error.code == .overloaded {
            return nil
        }
    }

    /// The same, but for its place.
    func view(of id: String, kept: TaskRecord?) async throws -> TaskView {
        let result = try await result(of: id)
        let answers = try await ask([command("GET", Self.memo(id)), command("ZSCORE", Self.revokedKey, id)])
        if case .error(let text) = answers[0] { throw Self.refusal(text) }
        let memo = answers[0].bytes.flatMap { JSONValue.parsed($0.readableBytesView) }
        let record = chronicle.withLock { $0.task(id) } ?? kept
        var view = TaskView(id: id, result: result, memo: memo, record: record)
        switch answers[1] {
        case .bulk, .double: view.isRevoked = true
        default: break
        }
        return view
    }

    /// What a worker stored of a task; nil: nothing.
    func result(of id: String) async throws -> JSONValue? {
        let answers = try await ask([command("GET", ResultWatch.channelPrefix + id)], at: results)
        if case .error(let text)? = answers.first { throw Self.refusal(text) }
        return answers.first?.bytes.flatMap { JSONValue.parsed($0.readableBytesView) }
    }

    /// Waits until the task's state is another one than `state`, or the time is over, and answers as ``task(_:)``.
    ///
    /// - Parameter state: nil: waits until its result is there.
    package func task(_ id: String, awaiting state: String? = nil, within limit: Duration) async throws -> JSONValue? {
        let end = ContinuousClock.now + limit
        return try await follow(id, until: end) { view in
            guard let now = view?["state"]?.plainText else { return .over }
            let isThere = state.map { $0 != now } ?? TaskState.isReady(now)
            return isThere ? .over : .goOn
        }
    }

    /// Whether somebody who follows a task has seen enough.
    package enum Following: Sendable { case goOn, over }

    /// Hands what is known of a task to `look`, at once and whenever it changes, until that has seen enough or the
    /// time is over.
    ///
    /// - Returns: what was known last.
    /// - Throws: what `look` throws, and `overloaded` where too many wait.
    @discardableResult
    package func follow(
        _ id: String, until end: ContinuousClock.Instant, _ look: (JSONValue?) async throws -> Following
    ) async throws -> JSONValue? {
        let wait = try watch.enter(id)
        defer { watch.leave(wait) }
        let kept = try await self.kept(id)
        var pause: Duration = .milliseconds(20)
        // Where it waits is looked for now and then: that takes time.
        var seen: (state: String, place: Place?, until: ContinuousClock.Instant)?
        while true {
            var known = try await self.view(of: id, kept: kept)
            if known.isWaiting {
                if let last = seen, last.state == known.state, ContinuousClock.now < last.until {
                    known.place = last.place
                } else {
                    known.place = try await placeIfRoom(of: id, on: known.queue)
                    seen = (known.state, known.place, ContinuousClock.now + Self.placesHold)
                }
            }
            let view = known.isKnown ? known.json : nil
            if try await look(view) == .over || ContinuousClock.now >= end { return view }
            // The channel may not be listened to yet, and what is published may get lost.
            await wait.signal.wait(atMost: min(pause, ContinuousClock.now.duration(to: end)))
            try Task.checkCancellation()
            pause = min(pause * 2, .seconds(1))
        }
    }

    /// A page of tasks that are remembered or were kept, the latest first: `{"tasks": […], "next": "…"}`. It may be
    /// shorter than `limit` and have a next one: a search through all that is kept takes its time.
    ///
    /// - Parameter before: `next` of the page before this one.
    package func tasks(_ filter: TaskFilter, before: UInt64? = nil, limit: Int) async throws -> JSONValue {
        let page = try await page(filter, before: before, limit: limit)
        return [
            "tasks": .array(page.tasks.map { TaskView(record: $0).line }),
            "next": .optional(page.next.map { "\($0)" }),
        ]
    }

    /// A page of the tasks that wait on a queue, the next one to be served first, and after them those that wait for
    /// their time: `{"tasks": […], "total": …, "next": "…"}`.
    package func waiting(on queue: String, after offset: Int, limit: Int) async throws -> JSONValue {
        let keys = QueueLists.keys(queue)
        let held = try await scheduledCounts()
        let segments = zip(keys, try await lengths(of: keys)).map { (key: $0, length: $1, isScheduled: false) }
            + keys.map { (key: $0, length: held[$0] ?? 0, isScheduled: true) }
        var tasks: [JSONValue] = []
        var skip = offset
        var room = limit
        for (key, length, isScheduled) in segments where room > 0 {
            guard skip < length else {
                skip -= length
                continue
            }
            let count = min(room, length - skip)
            let found = try await isScheduled
                ? scheduled(for: key, from: skip, count: count) : messages(of: key, from: skip, count: count)
            for message in found {
                guard let task = WaitingTask(message) else { continue }
                var summary = task.summary
                summary["state"] = .string(TaskState.pending)
                summary["scheduled"] = .bool(isScheduled)
                tasks.append(summary)
            }
            (skip, room) = (0, room - count)
        }
        let next = offset + limit
        let total = segments.reduce(0) { $0 + $1.length }
        return [
            "tasks": .array(tasks), "total": .integer(Int64(total)),
            "next": .optional(next < total ? "\(next)" : nil),
        ]
    }

    // MARK: Lists

    /// A part of a list in the order in which it is served: the right end first.
    func messages(of key: String, from start: Int, count: Int) async throws -> [ByteBuffer] {
        guard count > 0 else { return [] }
        let answers = try await ask([command("LRANGE", key, "\(-(start + count))", "\(-(start + 1))")])
        if case .error(let text)? = answers.first { throw Self.refusal(text) }
        return (answers.first?.elements ?? []).compactMap(\.bytes).reversed()
    }

    func lengths(of keys: [String]) async throws -> [Int] {
        guard !keys.isEmpty else { return [] }
        // A key of that name that is no list has no messages.
        return try await ask(keys.map { command("LLEN", $0) }).map { $0.wholeNumber ?? 0 }
    }
}
