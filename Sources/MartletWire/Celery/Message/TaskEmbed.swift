/// What runs after a task: the third part of the body of its message.
public struct TaskEmbed: Sendable, Hashable {
    /// Each gets the result, when there is one (`link`).
    public var callbacks: [Signature] = []
    /// Each gets the id of the task when it failed (`link_error`).
    public var errbacks: [Signature] = []
    /// The rest of the chain, as it travels: the next step is the last.
    public var chain: [Signature] = []
    /// What runs when all of the group are done.
    public var chord: Signature?

    public init() {}

    /// - Throws: when it is neither an object nor null, or what should be signatures is something else.
    init(_ json: RawJSON) throws(WireError) {
        guard !json.isNull else { return }
        guard let object = RawObject(json) else { throw RawJSON.notJSON }
        for member in object.members where !member.value.isNull {
            switch member.name {
            case "callbacks": callbacks = try Signature.list(member.value)
            case "errbacks": errbacks = try Signature.list(member.value)
            case "chain": chain = try Signature.list(member.value)
            case "chord": chord = try Signature(member.value)
            default: break
            }
        }
    }

    public var isEmpty: Bool { callbacks.isEmpty && errbacks.isEmpty && chain.isEmpty && chord == nil }

    func write(into writer: inout PythonJSON) {
        let parts = [("callbacks", callbacks), ("errbacks", errbacks), ("chain", chain)]
        for (index, (name, signatures)) in parts.enumerated() {
            writer.put(index == 0 ? "{" : ", ")
            writer.write(name)
            writer.put(": ")
            if signatures.isEmpty {
                writer.put("null")
            } else {
                writer.write(list: signatures) { $1.write(into: &$0) }
            }
        }
        writer.put(", \"chord\": ")
        if let chord { chord.write(into: &writer) } else { writer.put("null") }
        writer.put("}")
    }
}
