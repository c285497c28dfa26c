import MartletBase

/// A call of a task that may come: a link of a chain, a member of a group, a callback. Celery's word for it.
///
/// Arguments and options stay as their sender wrote them; what Martlet does not change, it does not rewrite.
public struct Signature: Sendable, Hashable {
    /// The name of the task, such as `tasks.add`, or `celery.chain`, `celery.group`, `celery.chord`.
    public var task: String
    /// A list.
    public var args: RawJSON
    public var kwargs: RawObject
    /// Options of `apply_async`: `task_id`, `queue`, `link`, `chord`, …
    public var options: RawObject
    /// `chain`, `group`, `chord` and the like; nil: a plain task.
    public var subtaskType: String?
    /// It takes no result of what ran before it.
    public var isImmutable: Bool
    /// What else it carries, such as `chord_size`.
    public var extra = RawObject()

    public init(
        task: String, args: [RawJSON] = [], kwargs: RawObject = RawObject(), options: RawObject = RawObject(),
        subtaskType: String? = nil, isImmutable: Bool = false
    ) {
        self.task = task
        self.args = args.isEmpty ? .emptyList : RawJSON(list: args)
        self.kwargs = kwargs
        self.options = options
        self.subtaskType = subtaskType
        self.isImmutable = isImmutable
    }

    /// - Throws: when it is no object with the name of a task, or a part of it is of the wrong kind.
    public init(_ json: RawJSON) throws(WireError) {
        guard let object = RawObject(json) else { throw Self.invalid }
        self.init(task: "")
        for member in object.members {
            let value = member.value
            switch member.name {
            case "task": task = value.string ?? ""
            case "args": args = try Self.arguments(value)
            case "kwargs": kwargs = try Self.object(value)
            case "options": options = try Self.object(value)
            case "subtask_type": subtaskType = value.string
            case "immutable": isImmutable = value.bool ?? false
            default: extra[member.name] = value
            }
        }
        guard !task.isEmpty else { throw Self.invalid }
    }

    /// Reads a list of signatures, or a single one.
    static func list(_ json: RawJSON) throws(WireError) -> [Signature] {
        if json.isNull { return [] }
        guard let elements = json.elements else { return [try Signature(json)] }
        var signatures: [Signature] = []
        for element in elements { signatures.append(try Signature(element)) }
        return signatures
    }

    /// `options.task_id`: given as soon as it is known where its result will be.
    public var id: String? {
        get { options["task_id"]?.string }
        set { options["task_id"] = newValue.map { RawJSON($0) } }
    }

    public var json: RawJSON {
        var writer = PythonJSON()
        write(into: &writer)
        return RawJSON(unchecked: writer.bytes[...])
    }

    func write(into writer: inout PythonJSON) {
        writer.put("{\"task\": ")
        writer.write(task)
        writer.put(", \"args\": ")
        writer.write(args)
        writer.put(", \"kwargs\": ")
        writer.write(kwargs)
        writer.put(", \"options\": ")
        writer.write(options)
        writer.put(", \"subtask_type\": ")
        writer.write(subtaskType)
        writer.put(", \"immutable\": ")
        writer.write(isImmutable)
        for member in extra.members {
            writer.put(", ")
            writer.write(member.name)
            writer.put(": ")
            writer.write(member.value)
        }
        writer.put("}")
    }

    /// The arguments with `first` before them; its own alone when it is immutable.
    func arguments(after first: [RawJSON]) -> RawJSON {
        guard !first.isEmpty, !isImmutable else { return args }
        return args.prepending(first)
    }

    private static func arguments(_ json: RawJSON) throws(WireError) -> RawJSON {
        if json.isNull { return .emptyList }
        guard json.isList else { throw invalid }
        return json
    }

    private static func object(_ json: RawJSON) throws(WireError) -> RawObject {
        if json.isNull { return RawObject() }
        guard let object = RawObject(json) else { throw invalid }
        return object
    }

    static var invalid: WireError { WireError(.invalidBody, "no signature of a task") }
}

extension RawJSON {
    /// Of a list: with elements put before its own.
    func prepending(_ first: [RawJSON]) -> RawJSON {
        guard !first.isEmpty else { return self }
        var writer = PythonJSON(reserving: bytes.count + first.reduce(8) { $0 + $1.bytes.count + 2 })
        writer.put("[")
        for (index, value) in first.enumerated() {
            if index > 0 { writer.put(", ") }
            writer.write(value)
        }
        let rest = bytes.dropFirst().drop { $0 == 0x20 || $0 == 0x0a || $0 == 0x0d || $0 == 0x09 }
        if rest.first != UInt8(ascii: "]") { writer.put(", ") }
        writer.put(rest)
        return RawJSON(unchecked: writer.bytes[...])
    }
}
