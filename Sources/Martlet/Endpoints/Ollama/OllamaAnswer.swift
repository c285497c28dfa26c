import MartletBase
import MartletNet
import MartletTelemetry
import MartletWire

/// An answer on its way, in Ollama's form: events of the chat completions API go in, lines come out. Times are what was
/// measured here, in nanoseconds: `load_duration` until a model had the request and began to answer,
/// `prompt_eval_duration` from then to its first word, `eval_duration` from there to its end. Of an answer that comes
/// whole only `total_duration` is known. Counts are the model's; it may not tell them.
struct OllamaAnswer: Sendable {
    private let question: OllamaQuestion
    private let asked: Instant
    private let begun: Instant
    /// Of the first word.
    private var first: Instant?
    private var isWhole = false
    private var splitter = ThinkSplitter()
    private var calls = OllamaToolCalls()
    private var reason = "stop"
    private var usage: JSON = .null

    init(_ question: OllamaQuestion, asked: Instant, begun: Instant) {
        self.question = question
        self.asked = asked
        self.begun = begun
    }

    /// Lines for one event, or for a whole answer of a model that does not stream.
    mutating func take(_ event: JSON, now: Instant) throws(OllamaRefusal) -> [JSON] {
        if let error = event["error"], error != .null {
            throw OllamaRefusal(502, (error["message"] ?? error).words)
        }
        if let usage = event["usage"], usage != .null { self.usage = usage }
        guard case .array(let choices)? = event["choices"], let choice = choices.first else { return [] }
        if case .string(let reason)? = choice["finish_reason"] { self.reason = reason == "length" ? "length" : "stop" }
        if choice["message"] != nil { isWhole = true }
        let message = choice["delta"] ?? choice["message"] ?? [:]
        if case .array(let pieces)? = message["tool_calls"] {
            calls.take(pieces)
            first = first ?? now
        }
        var (thinking, content) = ("", "")
        if case .string(let text)? = message["reasoning_content"] ?? message["reasoning"] { thinking = text }
        if case .string(let text)? = message["content"] ?? choice["text"] {
            let parts = splitter.take(text)
            thinking += parts.thinking
            content = parts.content
            if !text.isEmpty { first = first ?? now }
        }
        if !thinking.isEmpty { first = first ?? now }
        return line(thinking, content).map { [$0] } ?? []
    }

    /// The lines at the end of the model's answer.
    mutating func finish(now: Instant) throws(OllamaRefusal) -> [JSON] {
        let rest = splitter.finish()
        var lines = line(rest.thinking, rest.content).map { [$0] } ?? []
        let calls = try calls.told()
        if !calls.isEmpty, question.form == .chat {
            lines.append(envelope(["role": "assistant", "content": "", "tool_calls": .array(calls)], isDone: false))
        }
        var end = envelope(["role": "assistant", "content": ""], isDone: true)
        end["done_reason"] = .string(reason)
        for (name, value) in figures(now) { end[name] = value }
        return lines + [end]
    }

    /// What Ollama answers to who only wants a model loaded: ours are, or are when somebody asks.
    static func empty(_ question: OllamaQuestion) -> JSON {
        var end = OllamaAnswer(question, asked: .current, begun: .current)
            .envelope(["role": "assistant", "content": ""], isDone: true)
        end["done_reason"] = question.unloads ? "unload" : "load"
        return end
    }

    // MARK: Inside

    private func line(_ thinking: String, _ content: String) -> JSON? {
        // Who wants no thoughts is not told those that a model has all the same.
        let thinking = question.thinks == false ? "" : thinking
        guard !thinking.isEmpty || !content.isEmpty else { return nil }
        var message: JSON = ["role": "assistant", "content": .string(content)]
        if !thinking.isEmpty { message["thinking"] = .string(thinking) }
        return envelope(message, isDone: false)
    }

    private func envelope(_ message: JSON, isDone: Bool) -> JSON {
        var line: JSON = [
            "model": .string(question.model), "created_at": .string(WallTime.now().text), "done": .bool(isDone),
        ]
        switch question.form {
        case .chat: line["message"] = message
        case .generate:
            line["response"] = message["content"]
            line["thinking"] = message["thinking"]
        }
        return line
    }

    private func figures(_ now: Instant) -> Fields {
        var figures: Fields = ["total_duration": Self.nanoseconds(now - asked)]
        if !isWhole { figures["load_duration"] = Self.nanoseconds(begun - asked) }
        if let first, !isWhole {
            figures["prompt_eval_duration"] = Self.nanoseconds(first - begun)
            figures["eval_duration"] = Self.nanoseconds(now - first)
        }
        if case .integer(let count)? = usage["prompt_tokens"] { figures["prompt_eval_count"] = .integer(count) }
        if case .integer(let count)? = usage["completion_tokens"] { figures["eval_count"] = .integer(count) }
        return figures
    }

    private static func nanoseconds(_ duration: Duration) -> JSON { .integer(max(0, duration.wholeNanoseconds)) }
}

/// The lines of an answer as one object, for clients that do not stream.
struct OllamaWhole: Sendable {
    private var content = ""
    private var thinking = ""
    private var calls: [JSON] = []
    /// The last line, with all that was said before it.
    private(set) var answer: JSON = .null

    mutating func add(_ line: JSON) {
        let message = line["message"] ?? line
        content += (message["content"] ?? message["response"])?.words ?? ""
        thinking += message["thinking"]?.words ?? ""
        if case .array(let more)? = message["tool_calls"] { calls += more }
        guard line["done"] == true else { return }
        answer = line
        if var message = line["message"] {
            message["content"] = .string(content)
            if !thinking.isEmpty { message["thinking"] = .string(thinking) }
            if !calls.isEmpty { message["tool_calls"] = .array(calls) }
            answer["message"] = message
        } else {
            answer["response"] = .string(content)
            if !thinking.isEmpty { answer["thinking"] = .string(thinking) }
        }
    }
}
