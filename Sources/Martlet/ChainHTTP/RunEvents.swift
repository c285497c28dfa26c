import Foundation
import MartletWire
import Synchronization

/// Events of a run as LangChain's `astream_events` gives them, in its second version.
final class RunEvents: Sendable {
    private let filter: RunFilter
    /// As the client sent it.
    private let input: JSON
    /// Whose event was the first that the client was told: that one has the client's input, and its end none.
    private let first = Mutex<UUID?>(nil)

    init(_ filter: RunFilter, input: JSON) {
        self.filter = filter
        self.input = input
    }

    /// nil: the client does not want it, or it is none.
    func json(_ event: RunEvent) -> JSON? {
        let run = event.run
        let type = run.kind == .embeddings ? "chain" : run.kind.rawValue
        guard filter.takes(run, type) else { return nil }
        let isFirst = first.withLock { first in
            defer { first = first ?? run.id }
            return first == nil
        }
        var (verb, data): (String, Fields)
        switch event.moment {
        case .started(let input):
            (verb, data) = ("start", ["input": input.map { told($0, run) }].compactMapValues { $0 })
        case .piece(let piece): (verb, data) = ("stream", ["chunk": piece])
        case .ended(let input, let output):
            let isOfFirst = first.withLock { $0 == run.id }
            let input = isOfFirst ? nil : input.map { told($0, run) }
            verb = "end"
            data = ["output": output.map(Self.untyped), "input": input].compactMapValues { $0 }
        case .failed: return nil
        }
        if isFirst { data["input"] = input }
        return [
            "event": .string("on_\(type)_\(verb)"), "data": .object(data), "name": .string(run.name),
            "tags": .array(run.tags.map { .string($0) }), "run_id": .string(run.id.text),
            "metadata": .object(run.metadata.filter { !$0.key.hasPrefix("__") }),
            "parent_ids": .array(run.parents.map { .string($0.text) }),
        ]
    }

    /// Models are told of several conversations at one time, elsewhere.
    private func told(_ input: JSON, _ run: Run) -> JSON {
        guard run.kind == .chatModel, let messages = input["messages"] else { return Self.untyped(input) }
        return ["messages": [messages]]
    }

    /// A prompt's value without the name of its class.
    static func untyped(_ value: JSON) -> JSON {
        guard value["type"] == "ChatPromptValueConcrete" else { return value }
        var value = value
        if case .object(var members) = value {
            members["type"] = nil
            value = .object(members)
        }
        return value
    }
}
