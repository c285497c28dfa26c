@testable import Martlet
import MartletBase
import MartletWire
import MartletWire
import Testing


@Suite("What a model says, in Ollama's lines")
struct OllamaAnswerTests {
    private func question(_ text: String = #"{"model": "m", "messages": []}"#) throws -> OllamaQuestion {
        try OllamaQuestion(chat: JSON.parse(text.utf8))
    }

    private func at(_ milliseconds: Int) -> Instant { Instant(nanoseconds: UInt64(milliseconds) * 1_000_000) }

    /// All lines of an answer whose events come 10 ms apart.
    private func lines(_ events: [String], _ question: OllamaQuestion) throws -> [JSON] {
        var answer = OllamaAnswer(question, asked: at(100), begun: at(120))
        var lines: [JSON] = []
        for (place, event) in events.enumerated() {
            lines += try answer.take(try JSON.parse(event.utf8), now: at(130 + 10 * place))
        }
        return lines + (try answer.finish(now: at(130 + 10 * events.count)))
    }

    @Test("Words, thoughts, the reason of the end, counts, and times that were measured")
    func streams() throws {
        let said = try lines(
            [
                #"{"choices": [{"delta": {"role": "assistant", "content": ""}}]}"#,
                #"{"choices": [{"delta": {"reasoning_content": "hm"}}]}"#,
                #"{"choices": [{"delta": {"content": "yes"}}]}"#,
                #"{"choices": [{"delta": {}, "finish_reason": "length"}]}"#,
                #"{"choices": [], "usage": {"prompt_tokens": 8, "completion_tokens": 16}}"#,
            ], try question())
        #expect(said.count == 3)
        #expect(said[0]["message"] == ["role": "assistant", "content": "", "thinking": "hm"])
        #expect(said[1]["message"] == ["role": "assistant", "content": "yes"])
        #expect(said.map { $0["done"] } == [false, false, true])
        let end = said[2]
        #expect(end["done_reason"] == "length" && end["model"] == "m")
        #expect(end["prompt_eval_count"] == 8 && end["eval_count"] == 16)
        #expect(end["total_duration"] == 80_000_000)
        #expect(end["load_duration"] == 20_000_000)
        #expect(end["prompt_eval_duration"] == 20_000_000)
        #expect(end["eval_duration"] == 40_000_000)
    }

    @Test("What is not known is not said")
    func unknown() throws {
        let streamed = try lines([#"{"choices": [{"delta": {"content": "x"}}]}"#], try question())
        #expect(streamed.last?["eval_count"] == nil && streamed.last?["prompt_eval_count"] == nil)
        let whole = try lines(
            [#"{"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1}}"#],
            try question())
        #expect(whole.first?["message"]?["content"] == "x")
        #expect(whole.last?["total_duration"] != nil && whole.last?["prompt_eval_count"] == 1)
        #expect(whole.last?["eval_duration"] == nil && whole.last?["load_duration"] == nil)
    }

    @Test("Who wants no thoughts is told none, wherever the model puts them")
    func thoughtless() throws {
        let events = [
            #"{"choices": [{"delta": {"content": "<think>hm</th"}}]}"#,
            #"{"choices": [{"delta": {"content": "ink>yes", "reasoning": "oh"}}]}"#,
        ]
        let said = try lines(events, try question(#"{"model": "m", "messages": [], "think": false}"#))
        #expect(said.count == 2 && said[0]["message"] == ["role": "assistant", "content": "yes"])
        let thoughts = try lines(events, try question()).compactMap { $0["message"]?["thinking"]?.words }.joined()
        #expect(thoughts == "hmoh" || thoughts == "ohhm")
    }

    @Test("Calls of tools are put together, and told before the end")
    func calls() throws {
        let said = try lines(
            [
                """
                {"choices": [{"delta": {"tool_calls": [
                 {"index": 0, "id": "c", "function": {"name": "add", "arguments": "{\\"a\\""}}]}}]}
                """,
                #"{"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]}}]}"#,
                #"{"choices": [{"delta": {"tool_calls": [{"index": 1, "function": {"name": "now"}}]}}]}"#,
                #"{"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}"#,
            ], try question())
        #expect(said.count == 2)
        #expect(
            said[0]["message"]?["tool_calls"] == [
                ["id": "c", "function": ["name": "add", "arguments": ["a": 1]]],
                ["function": ["name": "now", "arguments": [:]]],
            ])
        #expect(said[1]["done_reason"] == "stop")
    }

    @Test("A call whose arguments are no object, and an error in the stream, end the answer")
    func faults() throws {
        #expect(throws: OllamaRefusal.self) {
            try lines(
                [#"{"choices": [{"delta": {"tool_calls": [{"function": {"name": "f", "arguments": "[1"}}]}}]}"#],
                try question())
        }
        #expect(throws: OllamaRefusal.self) { try lines([#"{"error": {"message": "gone"}}"#], try question()) }
    }

    @Test("A whole answer says all that its lines say")
    func whole() throws {
        var whole = OllamaWhole()
        let events = [
            #"{"choices": [{"delta": {"content": "<think>a</think>b"}}]}"#,
            #"{"choices": [{"delta": {"content": "c", "tool_calls": [{"function": {"name": "f"}}]}}]}"#,
        ]
        for line in try lines(events, try question()) { whole.add(line) }
        #expect(
            whole.answer["message"] == [
                "role": "assistant", "content": "bc", "thinking": "a",
                "tool_calls": [["function": ["name": "f", "arguments": [:]]]],
            ])
        #expect(whole.answer["done"] == true && whole.answer["total_duration"] != nil)
    }

    @Test("A prompt's answer is one text")
    func generates() throws {
        let question = try OllamaQuestion(generate: ["model": "m", "prompt": "x", "raw": true])
        var whole = OllamaWhole()
        let said = try lines([#"{"choices": [{"text": "a"}]}"#, #"{"choices": [{"text": "b"}]}"#], question)
        for line in said { whole.add(line) }
        #expect(said[0]["response"] == "a" && said[0]["message"] == nil)
        #expect(whole.answer["response"] == "ab")
        #expect(OllamaAnswer.empty(question)["done_reason"] == "load")
    }
}
