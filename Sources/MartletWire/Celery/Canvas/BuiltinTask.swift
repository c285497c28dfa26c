import MartletBase

/// The tasks that every worker of Celery knows, without an app that states them.
public enum BuiltinTask: String, Sendable, CaseIterable {
    case accumulate = "celery.accumulate"
    case map = "celery.map"
    case starmap = "celery.starmap"
    case chunks = "celery.chunks"
    case chain = "celery.chain"
    case group = "celery.group"
    case chord = "celery.chord"
    case chordUnlock = "celery.chord_unlock"
    case backendCleanup = "celery.backend_cleanup"

    /// What a worker does for it.
    public enum Work: Sendable, Hashable {
        /// Nothing: this is its result.
        case value(RawJSON)
        /// A task of the app is called in its place, for each of these lists of arguments, one after the other; the
        /// results, in a list, are its result.
        case calls(String, [RawJSON])
        /// Something is published, and the result is where the results will be.
        case publishes(CanvasSteps, result: RawJSON)
        /// It fails.
        case failure(TaskFailure)
    }

    /// - Parameter context: Of the message itself.
    public func work(_ message: TaskMessage, _ context: CanvasContext) -> Work {
        do throws(WireError) {
            return try plan(message, context)
        } catch {
            return .failure(.invalidTask("\(rawValue): \(error.reason)"))
        }
    }

    private func plan(_ message: TaskMessage, _ context: CanvasContext) throws(WireError) -> Work {
        switch self {
        case .accumulate: return accumulated(message)
        case .map, .starmap:
            let items = try argument("it", 1, message).elements ?? []
            return .calls(try taskName(message), self == .starmap ? items : items.map { RawJSON(list: [$0]) })
        case .chunks: return try chunked(message, context)
        case .group:
            var group = try CanvasNode(
                Signature(
                    task: rawValue, kwargs: RawObject([("tasks", try argument("tasks", 0, message))]),
                    subtaskType: CanvasNode.Kind.group.rawValue))
            group.signature.id = message.kwargs["group_id"]?.string ?? message.args.element(2)?.string
            let first = message.kwargs["partial_args"] ?? message.args.element(3)
            return try published(group, args: first?.elements ?? [], context)
        case .chord:
            let kwargs = RawObject([
                ("kwargs", .emptyObject), ("header", try argument("header", 0, message)),
                ("body", try argument("body", 1, message)),
            ])
            let chord = try CanvasNode(
                Signature(task: rawValue, kwargs: kwargs, subtaskType: CanvasNode.Kind.chord.rawValue))
            let first = message.kwargs["partial_args"] ?? message.args.element(2)
            return try published(chord, args: first?.elements ?? [], context)
        case .chain: return .failure(TaskFailure("NotImplementedError", "chain is not a real task"))
        case .chordUnlock:
            return .failure(
                TaskFailure("NotImplementedError", "chords are joined by the broker here: no task has to ask for them"))
        case .backendCleanup: return .value(.null)
        }
    }

    private func accumulated(_ message: TaskMessage) -> Work {
        guard let index = message.kwargs["index"], !index.isNull else { return .value(message.args) }
        guard let elements = message.args.elements, let place = index.integer,
            let value = place < 0 ? elements.dropLast(-1 - place).last : message.args.element(place)
        else { return .failure(TaskFailure("IndexError", "tuple index out of range")) }
        return .value(value)
    }

    private func chunked(_ message: TaskMessage, _ context: CanvasContext) throws(WireError) -> Work {
        let items = try argument("it", 1, message).elements ?? []
        let task = try argument("task", 0, message)
        guard let size = try argument("n", 2, message).integer, size > 0 else {
            throw WireError(.invalidBody, "chunks of no size")
        }
        var members: [CanvasNode] = []
        for start in stride(from: 0, to: items.count, by: size) {
            let part = RawJSON(list: Array(items[start..<min(start + size, items.count)]))
            members.append(
                try CanvasNode(
                    Signature(
                        task: BuiltinTask.starmap.rawValue, kwargs: RawObject([("task", task), ("it", part)]),
                        isImmutable: true)))
        }
        return try published(CanvasNode(group: members), args: [], context)
    }

    private func published(
        _ node: CanvasNode, args: [RawJSON], _ context: CanvasContext
    ) throws(WireError) -> Work {
        var publisher = CanvasPublisher(context)
        let published = try publisher.publish(node, args: args, options: context.options)
        publisher.steps.children.append(published.child)
        return .publishes(publisher.steps, result: published.result.json)
    }

    /// By its name, or by its place.
    private func argument(_ name: String, _ place: Int, _ message: TaskMessage) throws(WireError) -> RawJSON {
        guard let value = message.kwargs[name] ?? message.args.element(place) else {
            throw WireError(.invalidBody, "an argument is missing")
        }
        return value
    }

    private func taskName(_ message: TaskMessage) throws(WireError) -> String {
        let task = try argument("task", 0, message)
        if let name = task.string { return name }
        return try Signature(task).task
    }
}
