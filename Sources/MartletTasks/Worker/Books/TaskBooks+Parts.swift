import MartletLogic
import MartletWire
import NIOCore

/// What entries are made of.
extension TaskBooks {
    /// An entry without a result yet.
    func entry(
        _ due: DueSettlement, tally: TaskWorkerStatus.Counters.Tally, publishing steps: CanvasSteps
    ) -> BookEntry {
        let (hand, receipt) = (due.hand, due.hand.delivery.receipt)
        let messages = messages(steps.tasks)
        var entry = BookEntry(
            id: hand.id, taskID: hand.message.id, name: hand.countedName, receipt: receipt,
            message: hand.delivery.message,
            act: due.isAcknowledged
                ? .publish(messages) : .finish(TaskFinish(receipt: receipt, storing: nil, publishing: messages)),
            tally: tally)
        entry.first.prepare(steps)
        return entry
    }

    /// A message that cannot be read: to the dead letters, with a result where its id is known.
    func entry(_ flawed: FlawedDelivery) -> BookEntry {
        let flaw = flawed.flaw
        var entry = BookEntry(
            id: nil, taskID: flaw.id ?? "", name: flaw.name ?? "", receipt: flawed.delivery.receipt,
            message: flawed.delivery.message, act: .bury, tally: .deadLettered)
        guard let id = flaw.id, !id.isEmpty else { return entry }
        let failure = TaskFailure.invalidTask(flaw.text)
        entry.first.results = [stored(.failure(id: id, failure))]
        entry.event = { .failed(id, exception: failure.repr, traceback: nil) }
        return entry
    }

    /// With the step that ends the message, or before it where others must find it by then.
    func store(_ result: TaskResult, of due: DueSettlement, into entry: inout BookEntry) {
        let message = due.hand.message
        let stored = stored(result.of(message))
        let isAwaited = message.embed.chord != nil
        if case .finish(var finish) = entry.act, !hasOwnBackend, !isAwaited {
            finish.storing = stored
            entry.act = .finish(finish)
        } else {
            entry.first.results.append(stored)
        }
    }

    func addPart(
        _ state: MartletWire.TaskState, _ result: RawJSON, of message: TaskMessage, to entry: inout BookEntry
    ) {
        guard let part = ChordPart(of: message) else { return }
        entry.first.parts.append(DuePart(part: part, state: state, result: result, message: message))
    }

    /// The steps that will not run.
    func add(
        _ following: CanvasFailure, _ failure: TaskFailure, of due: DueSettlement, to entry: inout BookEntry
    ) {
        for step in following.steps {
            if due.hand.storesErrors, let result = step.result(failure, at: Self.now) {
                entry.first.results.append(stored(result))
            }
            if let part = step.chord {
                entry.first.parts.append(
                    DuePart(
                        part: part, state: .failure, result: failure.json, message: due.hand.message,
                        unlessFailed: true))
            }
        }
    }

    func stored(_ result: TaskResult) -> StoredResult {
        StoredResult(
            key: TaskResult.key(result.id), json: ByteBuffer(bytes: result.done(at: Self.now).encode()),
            expires: resultExpires)
    }

    // MARK: Messages

    func context(of message: TaskMessage) -> CanvasContext {
        CanvasContext(of: message, replyTo: replyTo, origin: origin, now: Self.now, newID: RandomID.make)
    }

    /// Of what nobody's task led to.
    func context() -> CanvasContext {
        CanvasContext(
            taskID: nil, rootID: nil, replyTo: replyTo, origin: origin, now: Self.now, newID: RandomID.make)
    }

    func messages(_ tasks: [OutgoingTask]) -> [OutgoingMessage] {
        tasks.map { task in
            let queue = task.queue ?? Self.queue(ofExchange: task) ?? routes.queue(of: task.name)
            return (key: task.listKey(default: queue), queue: queue, message: bytes(task, queue: queue))
        }
    }

    /// Exchanges of Celery's are named as their queues unless somebody set them up otherwise.
    private static func queue(ofExchange task: OutgoingTask) -> String? {
        if let key = task.routingKey, !key.isEmpty { return key }
        return task.exchange.isEmpty ? nil : task.exchange
    }

    func bytes(_ task: OutgoingTask, queue: String) -> ByteBuffer {
        ByteBuffer(bytes: task.message(deliveryTag: RandomID.make(), now: Self.now, default: queue))
    }
}

extension BookEntry {
    mutating func addPublished(_ messages: [OutgoingMessage]) {
        switch act {
        case .finish(var finish):
            finish.publishing += messages
            act = .finish(finish)
        case .publish(let others): act = .publish(others + messages)
        case .giveBack, .bury: first.publishing += messages
        }
    }
}

extension DueSettlement {
    /// The exception that the run ended with.
    var failure: TaskFailure? {
        switch outcome {
        case .failure(let failure, _), .retry(let failure, _), .rejected(_, let failure): failure
        default: nil
        }
    }
}

extension TaskFailure {
    /// Why a task has failed, as clients are told.
    init(_ failure: DeskFailure, _ due: DueSettlement) {
        let message = due.hand.message
        switch failure {
        case .raised: self = due.failure ?? TaskFailure("Exception", "the task failed")
        case .retriesExceeded:
            let exceeded = TaskFailure.maximumRetries(
                name: message.name, id: message.id, args: message.argsText, kwargs: message.kwargsText)
            self = due.failure.flatMap { $0.type == "Retry" ? nil : $0 } ?? exceeded
        case .notRegistered: self = .notRegistered(message.name)
        case .timeLimit(let seconds): self = .timeLimitExceeded(seconds)
        case .workerLost:
            if case .lost(let reason) = due.outcome {
                self = .workerLost(reason)
            } else {
                self = .workerLost("The worker stopped while the task ran")
            }
        }
    }
}

extension TaskSettlement {
    var tally: TaskWorkerStatus.Counters.Tally {
        switch state {
        case .success: .succeeded
        case .failure: .failed
        case .retry: .retried
        case .rejected, .requeued, .ignored: .rejected
        case .revoked: .revoked
        }
    }

    /// What monitors are told of it.
    func event(_ id: String) -> (@Sendable () -> TaskEvent)? {
        switch state {
        case .success: { .succeeded(id, result: self.result, runtime: self.runtime) }
        case .failure: { .failed(id, exception: self.exception, traceback: self.traceback) }
        case .retry: { .retried(id, exception: self.exception, traceback: self.traceback) }
        case .rejected: { .rejected(id, requeue: false) }
        case .requeued: { .rejected(id, requeue: true) }
        case .revoked: { .revoked(id, terminated: false, signal: nil, expired: false) }
        case .ignored: nil
        }
    }
}
