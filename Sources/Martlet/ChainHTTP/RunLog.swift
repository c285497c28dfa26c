import Foundation
import MartletWire
import Synchronization

/// The state of a run as patches of JSON, as LangChain's `astream_log` gives them.
final class RunLog: Sendable {
    private let filter: RunFilter
    /// How often each name was given, and what each run is called.
    private let names = Mutex((counts: [String: Int](), keys: [UUID: String]()))

    init(_ filter: RunFilter) { self.filter = filter }

    static func beginning(_ run: Run) -> JSON {
        [
            patch(
                "replace", "",
                [
                    "id": .string(run.id.text), "streamed_output": [], "final_output": .null, "logs": [:],
                    "name": .string(run.name), "type": .string(type(run)),
                ])
        ]
    }

    /// A piece of the whole run's output, and all of it so far.
    static func output(_ piece: JSON, whole: JSON) -> JSON {
        [patch("add", "/streamed_output/-", piece), patch("replace", "/final_output", whole)]
    }

    /// What an event of a run within the run changes; nil: nothing.
    func patches(_ event: RunEvent) -> JSON? {
        let run = event.run
        guard !run.parents.isEmpty else { return nil }
        if case .started = event.moment { return started(run) }
        guard let key = names.withLock({ $0.keys[run.id] }) else { return nil }
        switch event.moment {
        case .started: return nil
        case .piece(let piece):
            let output = Self.patch("add", "/logs/\(key)/streamed_output/-", piece)
            guard run.kind == .chatModel else { return [output] }
            return [Self.patch("add", "/logs/\(key)/streamed_output_str/-", Self.text(piece)), output]
        case .ended(_, let output):
            let final = output.map { Self.final($0, run) } ?? .null
            return [
                Self.patch("add", "/logs/\(key)/final_output", final),
                Self.patch("add", "/logs/\(key)/end_time", .string(Self.now())),
            ]
        case .failed:
            return [Self.patch("add", "/logs/\(key)/end_time", .string(Self.now()))]
        }
    }

    private func started(_ run: Run) -> JSON? {
        guard filter.takes(run, Self.type(run)) else { return nil }
        let key = names.withLock { names in
            let count = names.counts[run.name, default: 0] + 1
            names.counts[run.name] = count
            let key = count == 1 ? run.name : "\(run.name):\(count)"
            names.keys[run.id] = key
            return key
        }
        return [
            Self.patch(
                "add", "/logs/\(key)",
                [
                    "id": .string(run.id.text), "name": .string(run.name), "type": .string(Self.type(run)),
                    "tags": .array(run.tags.map { .string($0) }), "metadata": .object(run.metadata),
                    "start_time": .string(Self.now()), "streamed_output": [], "streamed_output_str": [],
                    "final_output": .null, "end_time": .null,
                ])
        ]
    }

    private static func final(_ output: JSON, _ run: Run) -> JSON {
        switch run.kind {
        case .chatModel:
            let generation: JSON = [
                "text": text(output), "generation_info": .null, "message": output,
                "type": output["type"] == "AIMessageChunk" ? "ChatGenerationChunk" : "ChatGeneration",
            ]
            return ["generations": [[generation]], "llm_output": .null, "run": .null, "type": "LLMResult"]
        case .prompt: return RunEvents.untyped(output)
        case .chain, .parser, .embeddings:
            if case .object = output { return output }
            return ["output": output]
        }
    }

    private static func text(_ message: JSON) -> JSON {
        (try? message.decoded(as: Message.self)).map { .string($0.text) } ?? ""
    }

    private static func type(_ run: Run) -> String {
        switch run.kind {
        case .chatModel: "llm"
        case .embeddings: "chain"
        case .chain, .prompt, .parser: run.kind.rawValue
        }
    }

    private static func patch(_ operation: JSON, _ path: String, _ value: JSON) -> JSON {
        ["op": operation, "path": .string(path), "value": value]
    }

    private static func now() -> String {
        Date.now.formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true)) + "+00:00"
    }
}
