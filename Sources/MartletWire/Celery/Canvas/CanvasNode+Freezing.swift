import MartletBase

/// What the end of something is given when ids are handed out: the last step of a chain, the body of a chord.
struct CanvasEnd {
    var id: String?
    var group: RawJSON?
    var groupIndex: RawJSON?
    var chord: RawJSON?
}

/// Who hands out ids.
struct CanvasIDs {
    /// Ours, for replies.
    var replyTo: String
    /// The task that everything began with.
    var root: String?
    var new: () -> String
}

extension CanvasNode {
    /// Gives ids to all that will have a result, so that others can wait for it before it runs. What has an id keeps
    /// it.
    ///
    /// - Returns: Where its result will be.
    mutating func freeze(_ ids: CanvasIDs, _ end: CanvasEnd = CanvasEnd()) -> ResultTree {
        switch kind {
        case .task: freezeTask(ids, end)
        case .chain: freezeChain(ids, end)
        case .group: freezeGroup(ids, end)
        case .chord: freezeChord(ids, end)
        }
    }

    private mutating func freezeTask(_ ids: CanvasIDs, _ end: CanvasEnd) -> ResultTree {
        let id = signature.id ?? end.id ?? ids.new()
        signature.id = id
        if let root = ids.root { signature.options["root_id"] = RawJSON(root) }
        if signature.options["reply_to"] == nil { signature.options["reply_to"] = RawJSON(ids.replyTo) }
        setEnd(end)
        return .task(id)
    }

    private mutating func setEnd(_ end: CanvasEnd) {
        if signature.options["group_id"] == nil { signature.options["group_id"] = end.group }
        if let chord = end.chord { signature.options["chord"] = chord }
        if let index = end.groupIndex { signature.options["group_index"] = index }
    }

    private mutating func freezeChain(_ ids: CanvasIDs, _ end: CanvasEnd) -> ResultTree {
        var end = end
        end.id = signature.id ?? end.id
        let steps = CanvasNode.steps(tasks, ids, end, errbacks: [])
        tasks = steps.nodes
        guard let result = steps.result else { return .group(end.id ?? ids.new(), parent: nil, []) }
        signature.id = result.id
        return result
    }

    private mutating func freezeGroup(_ ids: CanvasIDs, _ end: CanvasEnd) -> ResultTree {
        let id = signature.id ?? ids.new()
        signature.id = id
        if let root = ids.root { signature.options["root_id"] = RawJSON(root) }
        setEnd(end)
        tasks = members
        var results: [ResultTree] = []
        for index in tasks.indices {
            let member = CanvasEnd(group: end.group, groupIndex: RawJSON(.integer(Int64(index))), chord: end.chord)
            results.append(tasks[index].freeze(ids, member))
        }
        return .group(id, parent: nil, results)
    }

    private mutating func freezeChord(_ ids: CanvasIDs, _ end: CanvasEnd) -> ResultTree {
        let id = signature.id ?? ids.new()
        signature.id = id
        tasks = members
        var results: [ResultTree] = []
        for index in tasks.indices {
            let member = CanvasEnd(groupIndex: RawJSON(.integer(Int64(index))))
            results.append(tasks[index].freeze(ids, member))
        }
        let header = ResultTree.group(id, parent: nil, results)
        guard var result = body?.freeze(ids, end) else { return header }
        result.begin(after: header)
        return result
    }

    /// The steps of a chain as they run, one after the other: chains in it spliced, a group before a step made a chord.
    ///
    /// - Returns: The steps, the first one first, and where the result of the last will be; nil: there is no step.
    static func steps(
        _ tasks: [CanvasNode], _ ids: CanvasIDs, _ end: CanvasEnd, errbacks: [RawJSON]
    ) -> (nodes: [CanvasNode], result: ResultTree?) {
        var rest = tasks
        // The steps behind the one that is looked at, which is taken from the end of `rest`.
        var done: [CanvasNode] = []
        while let last = rest.popLast() {
            let step = last.unrolled
            if step.kind == .chain {
                rest += step.tasks
            } else if step.leadsToChain {
                rest += step.unrolledBody
            } else if step.kind == .group, let next = done.last {
                guard !step.isEmptyGroup else { continue }
                var chord = CanvasNode(header: step.tasks, body: next)
                chord.signature.args = step.signature.args
                done[done.count - 1] = chord
            } else if !step.isEmptyGroup || rest.isEmpty || !rest.contains(where: { !$0.isEmptyGroup }) {
                done.append(step)
            }
        }
        done.reverse()
        var result: ResultTree?
        for index in done.indices {
            var own = done[index].freeze(ids, index == done.count - 1 ? end : CanvasEnd())
            if let before = result { own.begin(after: before) }
            result = own
            for errback in errbacks { done[index].linkError(errback) }
        }
        return (done, result)
    }
}

extension ResultTree {
    /// Puts `before` in front of the first result that has none before it.
    mutating func begin(after before: ResultTree) {
        guard var own = parent else { return parent = before }
        own.begin(after: before)
        parent = own
    }
}
