/// Which results belong together: of a task, with the one before it in a chain, or of a group. On the wire
/// `[[id, parent], null]` or `[[id, parent], [child, …]]`.
public indirect enum ResultTree: Sendable, Hashable {
    case task(String, parent: ResultTree? = nil)
    case group(String, parent: ResultTree?, [ResultTree])

    public var id: String {
        switch self {
        case .task(let id, _), .group(let id, _, _): id
        }
    }

    public var parent: ResultTree? {
        get {
            switch self {
            case .task(_, let parent), .group(_, let parent, _): parent
            }
        }
        set {
            switch self {
            case .task(let id, _): self = .task(id, parent: newValue)
            case .group(let id, _, let children): self = .group(id, parent: newValue, children)
            }
        }
    }

    public var isGroup: Bool {
        guard case .group = self else { return false }
        return true
    }

    /// nil: it is none. Older Celery writes the id alone in place of `[id, parent]`.
    public init?(_ json: RawJSON) {
        guard let parts = json.elements, parts.count == 2 else { return nil }
        let id: String
        var parent: ResultTree?
        if let pair = parts[0].elements {
            guard pair.count == 2, let text = pair[0].string else { return nil }
            id = text
            if !pair[1].isNull {
                guard let tree = ResultTree(pair[1]) else { return nil }
                parent = tree
            }
        } else {
            guard let text = parts[0].string else { return nil }
            id = text
        }
        guard !parts[1].isNull else {
            self = .task(id, parent: parent)
            return
        }
        guard let list = parts[1].elements else { return nil }
        var children: [ResultTree] = []
        for element in list {
            guard let child = ResultTree(element) else { return nil }
            children.append(child)
        }
        self = .group(id, parent: parent, children)
    }

    public var json: RawJSON {
        var writer = PythonJSON()
        write(into: &writer)
        return RawJSON(unchecked: writer.bytes[...])
    }

    func write(into writer: inout PythonJSON) {
        writer.put("[[")
        writer.write(id)
        writer.put(", ")
        if let parent { parent.write(into: &writer) } else { writer.put("null") }
        writer.put("], ")
        switch self {
        case .task: writer.put("null")
        case .group(_, _, let children): writer.write(list: children) { $1.write(into: &$0) }
        }
        writer.put("]")
    }

    /// The tasks whose results make up its value, in their order.
    public var taskIDs: [String] {
        switch self {
        case .task(let id, _): [id]
        case .group(_, _, let children): children.flatMap(\.taskIDs)
        }
    }

    /// Its value: of a task the result, of a group the list of its values; nil: a result is missing.
    public func value(_ results: (String) -> RawJSON?) -> RawJSON? {
        switch self {
        case .task(let id, _): return results(id)
        case .group(_, _, let children):
            var values: [RawJSON] = []
            for child in children {
                guard let value = child.value(results) else { return nil }
                values.append(value)
            }
            return RawJSON(list: values)
        }
    }

    /// A group as `GroupResult.save()` stores it under ``TaskResult/groupKey(_:)``: `{"result": …}`.
    public var savedGroup: [UInt8] {
        var writer = PythonJSON()
        writer.put("{\"result\": ")
        write(into: &writer)
        writer.put("}")
        return writer.bytes
    }

    /// Reads what ``savedGroup`` writes; nil: it is something else.
    public init?(savedGroup bytes: [UInt8]) {
        guard let result = (try? RawJSON(bytes))?["result"] else { return nil }
        self.init(result)
    }
}
