import MartletBase

/// What a failure leads to.
public struct CanvasFailure: Sendable, Hashable {
    /// A step that will not run: it fails as what it waited for did.
    public struct Step: Sendable, Hashable {
        /// Where its result is waited for; nil: nobody does.
        public var id: String?
        public var groupID: String?
        public var parentID: String?
        /// It is a part of a chord, which fails with it, unless its result says that it failed before.
        public var chord: ChordPart?

        /// The result to be stored under ``TaskResult/key(_:)``; nil: it has no id.
        public func result(_ failure: TaskFailure, at milliseconds: Int64) -> TaskResult? {
            guard let id else { return nil }
            var result = TaskResult.failure(id: id, failure).done(at: milliseconds)
            result.groupID = groupID
            result.parentID = parentID
            return result
        }
    }

    public var steps: [Step] = []
    /// What is to be published.
    public var errbacks = CanvasSteps()

    public init() {}

    /// Every step of a chain, and the bodies of the chords in it: whoever waits for the last must learn of it.
    mutating func addSteps(_ chain: [Signature]) {
        var rest = chain
        var next = 0
        while next < rest.count {
            let signature = rest[next]
            next += 1
            let step = Step(signature)
            if step.id != nil || step.chord != nil { steps.append(step) }
            if signature.subtaskType == CanvasNode.Kind.chord.rawValue,
                let body = signature.kwargs.present("body").flatMap({ try? Signature($0) })
            {
                rest.append(body)
            }
        }
    }

    /// - Parameter id: Of the task that failed: what each errback is told.
    mutating func addErrbacks(_ signatures: [Signature], of id: String, _ context: CanvasContext) {
        // An errback that cannot be sent must not keep the failure itself from being told.
        let nodes = signatures.compactMap { try? CanvasNode($0) }
        guard !nodes.isEmpty else { return }
        var publisher = CanvasPublisher(context)
        let args = [RawJSON(id)]
        guard (try? publisher.publish(CanvasNode(group: nodes), args: args, options: context.options)) != nil else {
            return
        }
        errbacks.append(publisher.steps)
    }

    /// The body of a chord, or each member of it when it is a group.
    mutating func addBody(_ body: Signature, _ context: CanvasContext) {
        guard let node = try? CanvasNode(body) else { return }
        if node.kind == .group {
            let ofGroup = node.options.list("link_error").compactMap { try? Signature($0) }
            for member in node.members { addEnd(member, errbacks: ofGroup, context) }
            if let id = body.id { steps.append(Step(id: id)) }
        } else {
            addEnd(node, errbacks: [], context)
        }
        addSteps(body.options.list("chain").compactMap { try? Signature($0) })
    }

    /// What will not run although it was waited for; of a chord that is its body.
    private mutating func addEnd(_ node: CanvasNode, errbacks others: [Signature], _ context: CanvasContext) {
        var errbacks = node.options.list("link_error").compactMap { try? Signature($0) }
        var end = node
        while end.kind == .chord, let body = end.body {
            end = body
            errbacks += end.options.list("link_error").compactMap { try? Signature($0) }
        }
        errbacks += others.filter { !errbacks.contains($0) }
        var step = Step(end.signature)
        // Of a chain the last step is waited for, and is a part of what the chain is in.
        if end.kind == .chain, let last = end.tasks.last {
            step = Step(last.signature)
            step.id = end.signature.id ?? step.id
        }
        if step.id == nil { step.id = node.signature.id }
        steps.append(step)
        if let id = step.id { addErrbacks(errbacks, of: id, context) }
    }
}

extension CanvasFailure.Step {
    init(_ signature: Signature) {
        let options = signature.options
        id = signature.id
        groupID = options["group_id"]?.string
        parentID = options["parent_id"]?.string
        chord = ChordPart(signature)
    }
}
