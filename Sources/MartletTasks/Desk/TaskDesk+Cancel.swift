import MartletBase
import MartletLogic
import MartletWire
import NIOCore

/// What came of calling a task off.
package enum Cancellation: String, Sendable {
    /// It waited, and does not any more: it never runs.
    case revoked
    /// Workers were told: it stops, or does not begin.
    case told
    /// It was over before.
    case tooLate = "too_late"
    /// Nobody knows it; workers were told all the same.
    case unknown
}

extension TaskDesk {
    /// Sorted set: the ids of tasks that were called off, each with when to forget it, in milliseconds since 1970.
    static let revokedKey = "martlet.revoked"

    /// As many as workers keep; those that are forgotten first make room.
    private static let mostRevoked = RevocationPolicy().maximum

    /// Calls a task off: takes it from its queue where it waits, else has its worker stop it. It stays called off
    /// through restarts of workers.
    ///
    /// - Parameter terminate: whether it is stopped where it runs already.
    package func cancel(_ id: String, terminate: Bool = true) async throws -> Cancellation {
        let view = try await self.view(of: id, kept: try await kept(id))
        if TaskState.isReady(view.state) { return .tooLate }
        let now = Self.nowMilliseconds
        let eta = view.eta.flatMap { CeleryTime.milliseconds($0) } ?? now
        let until = max(now, eta) + Int64(settings.revocationExpires.inSeconds * 1000)
        // First: a worker that takes it meanwhile finds out.
        try await transaction([
            command("ZADD", Self.revokedKey, "\(until)", id),
            command("ZREMRANGEBYSCORE", Self.revokedKey, "-inf", "(\(now)"),
            command("ZREMRANGEBYRANK", Self.revokedKey, "0", "-\(Self.mostRevoked + 1)"),
        ])
        let arguments: JSONValue = [
            "task_id": .string(id), "terminate": .bool(terminate), "signal": "SIGTERM",
        ]
        try await broadcast("revoke", arguments)
        guard let place = try await place(of: id, on: view.queue) else { return view.isKnown ? .told : .unknown }
        // A worker has to count the end of a chord's part, or the chord would wait for ever.
        if place.task.isChordPart { return .told }
        return try await withdraw(place) ? .revoked : .told
    }

    /// Takes a waiting task off its list and stores its end, in one step. False: somebody else took it meanwhile.
    private func withdraw(_ place: Place) async throws -> Bool {
        let task = place.task
        let result = TaskResult.revoked(id: task.id, "revoked").done(at: Self.nowMilliseconds)
        let end = StoredResult(
            key: TaskResult.key(task.id), json: ByteBuffer(bytes: result.encode()), expires: settings.resultExpires)
        let isElsewhere = results !== broker
        // Where one step cannot do both, the end comes first: a task that was called off stays so, whoever takes it.
        if isElsewhere {
            try await results.tell([StateNews(end, keeping: [.success, .failure, .revoked])])
        }
        guard
            try await broker.withdraw(
                task.message, tag: task.tag, from: place.key, storing: isElsewhere ? nil : end)
        else { return false }
        var news = TaskNews(id: task.id, state: TaskState.revoked, time: Self.now)
        news.name = task.name
        news.queue = place.queue
        note(news)
        return true
    }

    /// Tells all workers something, as Celery's remote control does, and waits for no answer.
    func broadcast(_ method: String, _ arguments: JSONValue) async throws {
        let message = ControlBroadcast(method, arguments, expires: Self.now + 60).text
        let answers = try await ask([command("PUBLISH", "/\(settings.database).celery.pidbox", message)])
        if case .error(let text)? = answers.first { throw Self.refusal(text) }
    }
}
