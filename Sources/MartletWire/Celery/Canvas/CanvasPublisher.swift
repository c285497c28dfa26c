import MartletBase

/// Turns signatures into messages: the part that `apply_async` has in Celery, for all its kinds.
struct CanvasPublisher {
    /// What follows one task is no more than this, in bytes. Each member of a group that ends a chord carries what
    /// comes after it, so a short message can ask for far more than it holds.
    static let maximumBytes = 256 << 20

    let context: CanvasContext
    var steps = CanvasSteps()
    /// How much was made so far.
    private var bytes = 0

    /// Where a result will be, and what whoever published it calls its child: of a chain the last step and the first.
    struct Published {
        var result: ResultTree
        var child: ResultTree
    }

    init(_ context: CanvasContext) {
        self.context = context
    }

    /// - Parameters:
    ///   - args: Put before its own arguments, unless it is immutable.
    ///   - kwargs: Put over its own, unless it is immutable.
    ///   - options: Put over its own.
    mutating func publish(
        _ node: CanvasNode, args: [RawJSON], kwargs: RawObject = RawObject(), options: RawObject
    ) throws(WireError) -> Published {
        switch node.kind {
        case .task: try publishTask(node, args, kwargs, options)
        case .chain: try publishChain(node, args, options)
        case .group: try publishGroup(node, args, kwargs, options)
        case .chord: try publishChord(node, args, kwargs, options)
        }
    }

    private mutating func publishTask(
        _ node: CanvasNode, _ args: [RawJSON], _ kwargs: RawObject, _ options: RawObject
    ) throws(WireError) -> Published {
        let signature = node.signature
        let merged = Self.merge(signature.options, options)
        let id = merged.present("task_id")?.string ?? context.newID()
        let own = signature.isImmutable || kwargs.isEmpty ? signature.kwargs : signature.kwargs.merged(kwargs)
        var task = OutgoingTask(
            name: signature.task, id: id, args: signature.arguments(after: args), kwargs: own.json)
        try make(task.args.bytes.count + merged.weight)
        try task.take(merged, context)
        steps.tasks.append(task)
        return Published(result: .task(id), child: .task(id))
    }

    private mutating func publishChain(
        _ node: CanvasNode, _ args: [RawJSON], _ options: RawObject
    ) throws(WireError) -> Published {
        var merged = node.options.merged(options)
        let end = CanvasEnd(
            id: merged.remove("task_id")?.string, group: merged.removePresent("group_id"),
            groupIndex: merged.removePresent("group_index"), chord: merged.removePresent("chord"))
        let links = merged.list("link")
        let errbacks = merged.list("link_error")
        (merged["link"], merged["link_error"]) = (nil, nil)
        let own = node.signature.arguments(after: args).elements ?? []
        let prepared = CanvasNode.steps(node.tasks, context.ids, end, errbacks: errbacks)
        var nodes = prepared.nodes
        guard !nodes.isEmpty, let result = prepared.result else {
            let nothing = ResultTree.group(end.id ?? context.newID(), parent: nil, [])
            return Published(result: nothing, child: nothing)
        }
        for link in links { nodes[nodes.count - 1].link(link) }
        try make(nodes.reduce(0) { $0 + $1.weight })
        let rest = nodes.dropFirst().reversed().map(\.whole.json)
        merged["chain"] = RawJSON(list: merged.list("chain") + rest)
        let published = try publish(nodes[0], args: own, options: merged)
        return Published(result: rest.isEmpty ? published.result : result, child: published.child)
    }

    private mutating func publishGroup(
        _ node: CanvasNode, _ args: [RawJSON], _ kwargs: RawObject, _ options: RawObject
    ) throws(WireError) -> Published {
        var merged = Self.merge(node.options, options)
        let id = merged.remove("task_id")?.string ?? context.newID()
        let chord = merged.removePresent("chord")
        // A group that ends a chain in the header of a chord: its members are parts of that chord, whose size is set.
        let isPartOfOther = node.options.present("group_id").map { $0.string != id } ?? false
        for name in ["group_index", "link", "link_error"] { merged[name] = nil }
        merged["group_id"] = RawJSON(id)
        var members = node.members
        var results: [ResultTree] = []
        for index in members.indices {
            let end = CanvasEnd(group: RawJSON(id), groupIndex: RawJSON(.integer(Int64(index))), chord: chord)
            results.append(members[index].freeze(context.ids, end))
        }
        if chord != nil, !isPartOfOther, !members.isEmpty {
            let size = members.reduce(0) { $0 + $1.chordSize }
            steps.chordSizes.append(CanvasSteps.ChordSize(group: id, size: size))
        }
        merged["chord"] = chord
        let all = node.signature.arguments(after: args).elements ?? []
        for member in members { _ = try publish(member, args: all, kwargs: kwargs, options: merged) }
        let result = ResultTree.group(id, parent: nil, results)
        return Published(result: result, child: result)
    }

    private mutating func publishChord(
        _ node: CanvasNode, _ args: [RawJSON], _ kwargs: RawObject, _ options: RawObject
    ) throws(WireError) -> Published {
        guard var body = node.body else { throw WireError(.invalidBody, "a chord without a body") }
        let id = node.signature.id ?? context.newID()
        var merged = node.options.merged(options)
        let links = merged.list("link")
        let errbacks = merged.list("link_error")
        for name in ["task_id", "link", "link_error"] { merged[name] = nil }
        for link in links { body.link(link) }
        for errback in errbacks { body.linkError(errback) }
        // Who waits, waits for the header; the body begins when that is done.
        var ofBody = merged
        for name in ["parent_id", "countdown", "eta"] { ofBody[name] = nil }
        body.options = Self.merge(body.options, ofBody)
        var result = body.freeze(context.ids, CanvasEnd(group: RawJSON(id)))
        let header = CanvasNode(group: node.tasks, id: id)
        guard !header.members.isEmpty else {
            return try publish(body, args: [.emptyList], options: context.options)
        }
        for name in ["chain", "group_id", "group_index"] { merged[name] = nil }
        try make(body.weight)
        merged["chord"] = body.whole.json
        let inner = node.signature.kwargs["kwargs"].flatMap { RawObject($0) } ?? RawObject()
        let published = try publishGroup(
            header, node.signature.arguments(after: args).elements ?? [], inner.merged(kwargs), merged)
        if case .group(_, _, let parts) = published.result, parts.contains(where: \.isGroup) {
            steps.savedGroups.append(
                CanvasSteps.SavedGroup(key: TaskResult.groupKey(id), json: published.result.savedGroup))
        }
        result.begin(after: published.result)
        return Published(result: result, child: published.child)
    }

    private mutating func make(_ count: Int) throws(WireError) {
        bytes += count
        guard bytes <= Self.maximumBytes else { throw WireError(.invalidBody, "a canvas that grows beyond all bounds") }
    }

    /// `options` over those of a signature; which group it is in stays.
    static func merge(_ own: RawObject, _ options: RawObject) -> RawObject {
        var merged = own
        for member in options.members where !member.value.isNull {
            if own[member.name] != nil, member.name == "group_id" || member.name == "stamped_headers" { continue }
            merged[member.name] = member.value
        }
        return merged
    }
}
