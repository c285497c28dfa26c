import MartletBase

/// A signature taken apart, as far as a worker must: into steps, members, header and body.
struct CanvasNode {
    enum Kind: String {
        case task, chain, group, chord
    }

    var kind: Kind
    /// Its arguments and options; of anything but a plain task without the tasks below.
    var signature: Signature
    /// The steps of a chain, the members of a group, the header of a chord.
    var tasks: [CanvasNode] = []
    /// Of a chord: one, or none.
    private var bodies: [CanvasNode] = []

    /// - Throws: when its parts are no signatures.
    init(_ signature: Signature) throws(WireError) {
        self.signature = signature
        kind = signature.subtaskType.flatMap { Kind(rawValue: $0) } ?? .task
        switch kind {
        case .task: break
        case .chain, .group:
            tasks = try Self.nodes(self.signature.kwargs.remove("tasks") ?? .emptyList)
        case .chord:
            // The header is a list, or a group: of the group nothing but its members counts.
            let header = self.signature.kwargs.remove("header") ?? .emptyList
            tasks = try Self.nodes(header.isObject ? header["kwargs"]?["tasks"] ?? .emptyList : header)
            if let body = self.signature.kwargs.remove("body"), !body.isNull {
                bodies = [try CanvasNode(try Signature(body))]
            }
        }
    }

    /// Members that are sent at the same time.
    init(group tasks: [CanvasNode], id: String? = nil) {
        kind = .group
        signature = Signature(task: "celery.group", subtaskType: Kind.group.rawValue)
        signature.id = id
        self.tasks = tasks
    }

    /// A group with what gets all its results.
    init(header tasks: [CanvasNode], body: CanvasNode) {
        kind = .chord
        signature = Signature(
            task: "celery.chord", kwargs: RawObject([("kwargs", .emptyObject)]), subtaskType: Kind.chord.rawValue)
        self.tasks = tasks
        bodies = [body]
    }

    var body: CanvasNode? {
        get { bodies.first }
        set { bodies = newValue.map { [$0] } ?? [] }
    }

    var options: RawObject {
        get { signature.options }
        set { signature.options = newValue }
    }

    /// The signature, whole again.
    var whole: Signature {
        guard kind != .task else { return signature }
        var whole = signature
        let list = RawJSON(list: tasks.map(\.whole.json))
        whole.kwargs[kind == .chord ? "header" : "tasks"] = list
        if let body { whole.kwargs["body"] = body.whole.json }
        return whole
    }

    /// A group of one is its member.
    var unrolled: CanvasNode {
        kind == .group && tasks.count == 1 ? tasks[0].unrolled : self
    }

    var isEmptyGroup: Bool { kind == .group && tasks.isEmpty }

    /// The members of a group or a header, with those of groups among them, and without chains that are empty.
    var members: [CanvasNode] {
        tasks.flatMap { member -> [CanvasNode] in
            switch member.kind {
            case .group: member.members
            case .chain where member.tasks.isEmpty: []
            default: [member]
            }
        }
    }

    /// About as many bytes as its JSON has: known before it is made.
    var weight: Int {
        let own = signature.args.bytes.count + signature.kwargs.weight + signature.options.weight + 128
        return own + tasks.reduce(0) { $0 + $1.weight } + (body?.weight ?? 0)
    }

    /// How many parts it adds to the chord whose header it is in.
    var chordSize: Int {
        switch kind {
        case .task: 1
        case .group: tasks.reduce(0) { $0 + $1.chordSize }
        case .chain: tasks.lazy.reversed().map(\.chordSize).first { $0 > 0 } ?? 0
        case .chord: body?.chordSize ?? 0
        }
    }

    /// Something that gets its result.
    mutating func link(_ callback: RawJSON) {
        if kind == .chord, body != nil {
            body?.link(callback)
        } else {
            signature.options.append(callback, to: "link")
        }
    }

    /// Something that runs when it fails.
    mutating func linkError(_ errback: RawJSON) {
        switch kind {
        case .task, .chain: signature.options.append(errback, to: "link_error")
        case .group: for index in tasks.indices { tasks[index].linkError(errback) }
        case .chord: body?.linkError(errback)
        }
    }

    /// The body is a chain that begins with something other than a group.
    var leadsToChain: Bool {
        guard kind == .chord, let body, body.kind == .chain, let first = body.tasks.first else { return false }
        return first.kind != .group
    }

    /// This chord with the first step of its body alone, and the other steps behind it: so that the parts of the header
    /// do not each carry all that follows.
    var unrolledBody: [CanvasNode] {
        guard let body, var first = body.tasks.first else { return [self] }
        var rest = Array(body.tasks.dropFirst())
        var chord = self
        for member in body.options.members where !Self.ownOptions.contains(member.name) {
            first.options[member.name] = member.value
        }
        for errback in body.options.list("link_error") {
            first.linkError(errback)
            for index in rest.indices { rest[index].linkError(errback) }
        }
        for callback in body.options.list("link") {
            if rest.isEmpty { first.link(callback) } else { rest[rest.count - 1].link(callback) }
        }
        chord.body = first
        return [chord] + rest
    }

    /// Options of a chain that its first step does not get.
    static let ownOptions: Set = [
        "chord", "group_id", "group_index", "link", "link_error", "parent_id", "root_id", "task_id",
    ]

    private static func nodes(_ list: RawJSON) throws(WireError) -> [CanvasNode] {
        guard let elements = list.elements else { throw Signature.invalid }
        var nodes: [CanvasNode] = []
        for element in elements { nodes.append(try CanvasNode(try Signature(element))) }
        return nodes
    }
}

extension RawObject {
    /// The elements of a member that may be one value or a list of them.
    func list(_ name: String) -> [RawJSON] {
        guard let value = present(name) else { return [] }
        return value.elements ?? [value]
    }

    /// Adds to a member that is a list, unless it is there already.
    mutating func append(_ value: RawJSON, to name: String) {
        let list = list(name)
        guard !list.contains(value) else { return }
        self[name] = RawJSON(list: list + [value])
    }
}
