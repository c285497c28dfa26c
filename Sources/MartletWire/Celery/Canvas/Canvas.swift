import MartletBase

/// What follows a task: Celery's canvas. Everything here is decided from what messages say; whoever asks publishes.
public enum Canvas {
    /// What a task that succeeded leads to: its callbacks, and the next step of its chain.
    ///
    /// - Throws: when a step is not made of signatures: the task fails then, as in Celery.
    public static func next(
        after message: TaskMessage, result: RawJSON, _ makeContext: @autoclosure () -> CanvasContext
    ) throws(WireError) -> CanvasSteps {
        let embed = message.embed
        guard !embed.callbacks.isEmpty || !embed.chain.isEmpty else { return CanvasSteps() }
        let context = makeContext()
        var publisher = CanvasPublisher(context)
        try publisher.publishAll(embed.callbacks, args: [result])
        if let next = embed.chain.last {
            var options = context.options
            options["chain"] = RawJSON(list: embed.chain.dropLast().map(\.json))
            try publisher.publishChild(try CanvasNode(next), args: [result], options: options)
        }
        return publisher.steps
    }

    /// A signature, as `apply_async` publishes it.
    ///
    /// - Parameter args: Put before its own, unless it is immutable.
    public static func publishing(
        _ signature: Signature, args: [RawJSON] = [], _ context: CanvasContext
    ) throws(WireError) -> CanvasSteps {
        var publisher = CanvasPublisher(context)
        try publisher.publishChild(try CanvasNode(signature), args: args, options: context.options)
        return publisher.steps
    }

    /// The body of a chord, when all parts of its header are there.
    ///
    /// - Parameters:
    ///   - results: Of the parts, in their order.
    ///   - context: Of the task that was the last part.
    public static func completing(
        chord body: Signature, results: [RawJSON], _ context: CanvasContext
    ) throws(WireError) -> CanvasSteps {
        try publishing(body, args: [RawJSON(list: results)], context)
    }

    /// What the failure of a task leads to: the steps that will not run, and its errbacks.
    public static func failing(after message: TaskMessage, _ context: CanvasContext) -> CanvasFailure {
        var failure = CanvasFailure()
        failure.addSteps(message.embed.chain)
        failure.addErrbacks(message.embed.errbacks, of: message.id, context)
        return failure
    }

    /// What the failure of a chord leads to: its body fails, with all that would have followed it.
    public static func failing(chord body: Signature, _ context: CanvasContext) -> CanvasFailure {
        var failure = CanvasFailure()
        failure.addBody(body, context)
        return failure
    }
}

extension CanvasPublisher {
    /// Several at once are a group, groups among them apart.
    mutating func publishAll(_ signatures: [Signature], args: [RawJSON]) throws(WireError) {
        var nodes: [CanvasNode] = []
        for signature in signatures { nodes.append(try CanvasNode(signature)) }
        guard nodes.count > 1 else {
            if let node = nodes.first { try publishChild(node, args: args, options: context.options) }
            return
        }
        for node in nodes where node.kind == .group {
            try publishChild(node, args: args, options: context.options)
        }
        let others = nodes.filter { $0.kind != .group }
        guard !others.isEmpty else { return }
        try publishChild(CanvasNode(group: others), args: args, options: context.options)
    }

    mutating func publishChild(_ node: CanvasNode, args: [RawJSON], options: RawObject) throws(WireError) {
        let child = try publish(node, args: args, options: options).child
        steps.children.append(child)
    }
}
