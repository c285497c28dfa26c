@testable import Martlet
import MartletWire
import MartletWire
import Testing


@Suite("A request of Ollama's, in the words of the model API")
struct OllamaQuestionTests {
    private func chat(_ text: String) throws -> OllamaQuestion { try OllamaQuestion(chat: JSON.parse(text.utf8)) }

    private func generate(_ text: String) throws -> OllamaQuestion {
        try OllamaQuestion(generate: JSON.parse(text.utf8))
    }

    private func refusal(_ text: String) -> Int? {
        do {
            _ = try chat(text)
            return nil
        } catch {
            return (error as? OllamaRefusal)?.status
        }
    }

    @Test("Options are translated; those that say how Ollama runs a model are left out")
    func options() throws {
        let question = try chat(
            """
            {"model": "m", "messages": [], "options": {"temperature": 0.5, "top_p": 0.9, "num_predict": 7, "seed": 3,
             "stop": "\\n", "num_ctx": 4096, "repeat_penalty": 1.1, "top_k": null}}
            """)
        #expect(question.members["temperature"] == .number(0.5))
        #expect(question.members["top_p"] == .number(0.9))
        #expect(question.members["max_tokens"] == 7)
        #expect(question.members["seed"] == 3)
        #expect(question.members["stop"] == ["\n"])
        #expect(question.members["repetition_penalty"] == .number(1.1))
        #expect(question.members["num_ctx"] == nil)
        #expect(question.members["top_k"] == nil)
        #expect(question.streams)
    }

    @Test("No limit on the answer is none, and not a negative one")
    func unlimited() throws {
        for count in [-1, -2, 0] {
            let text = #"{"model": "m", "messages": [], "options": {"num_predict": \#(count)}}"#
            #expect(try chat(text).members["max_tokens"] == nil)
        }
    }

    @Test("A form for the answer, and whether the model is to think")
    func formats() throws {
        let json = try chat(#"{"model": "m", "messages": [], "format": "json", "think": false}"#)
        #expect(json.members["response_format"] == ["type": "json_object"])
        #expect(json.members["chat_template_kwargs"] == ["enable_thinking": false])
        #expect(json.thinks == false)
        let schema = try chat(#"{"model": "m", "messages": [], "format": {"type": "object"}, "think": "low"}"#)
        #expect(schema.members["response_format"]?["json_schema"]?["schema"] == ["type": "object"])
        #expect(schema.members["reasoning_effort"] == "low")
        #expect(schema.members["chat_template_kwargs"] == nil)
        #expect(try chat(#"{"model": "m", "messages": []}"#).members["response_format"] == nil)
    }

    @Test("Images become parts of their message")
    func images() throws {
        let question = try chat(
            #"{"model": "m", "messages": [{"role": "user", "content": "what?", "images": ["/9j/4AA", "iVBORw0"]}]}"#)
        #expect(
            question.members["messages"] == [
                [
                    "role": "user",
                    "content": [
                        ["type": "text", "text": "what?"],
                        ["type": "image_url", "image_url": ["url": "data:image/jpeg;base64,/9j/4AA"]],
                        ["type": "image_url", "image_url": ["url": "data:image/png;base64,iVBORw0"]],
                    ],
                ]
            ])
    }

    @Test("Calls of tools get numbers, and their answers the number of the call that they mean")
    func tools() throws {
        let question = try chat(
            """
            {"model": "m", "tools": [{"type": "function", "function": {"name": "add"}}], "messages": [
             {"role": "assistant", "content": "", "tool_calls": [
              {"function": {"name": "add", "arguments": {"a": 1}}}, {"function": {"name": "sub", "arguments": {}}}]},
             {"role": "tool", "tool_name": "sub", "content": "2"}, {"role": "tool", "content": "3"}]}
            """)
        guard case .array(let messages)? = question.members["messages"],
            case .array(let calls)? = messages[0]["tool_calls"]
        else {
            Issue.record("no messages")
            return
        }
        #expect(calls[0]["function"] == ["name": "add", "arguments": #"{"a":1}"#])
        #expect(messages[1]["tool_call_id"] == calls[1]["id"])
        #expect(messages[2]["tool_call_id"] == calls[0]["id"])
        #expect(calls[0]["id"] != calls[1]["id"])
        #expect(question.members["tools"] == [["type": "function", "function": ["name": "add"]]])
    }

    @Test("A prompt is a message, unless it is to go as it is")
    func prompts() throws {
        let prompt = try generate(#"{"model": "m", "prompt": "why?", "system": "be brief", "stream": false}"#)
        #expect(prompt.path == "/v1/chat/completions")
        #expect(
            prompt.members["messages"] == [
                ["role": "system", "content": "be brief"], ["role": "user", "content": "why?"],
            ])
        #expect(!prompt.streams)
        let raw = try generate(#"{"model": "m", "prompt": "why?", "raw": true}"#)
        #expect(raw.path == "/v1/completions" && raw.members["prompt"] == "why?")
        #expect(try generate(#"{"model": "m", "prompt": "a", "suffix": "b"}"#).members["suffix"] == "b")
    }

    @Test("Who says nothing wants the model loaded, or unloaded")
    func emptiness() throws {
        #expect(try chat(#"{"model": "m"}"#).isEmpty)
        #expect(try generate(#"{"model": "m", "keep_alive": 0}"#).isEmpty)
        #expect(try generate(#"{"model": "m", "keep_alive": 0}"#).unloads)
        #expect(try !generate(#"{"model": "m", "prompt": "x", "keep_alive": "5m"}"#).unloads)
        #expect(try !generate(#"{"model": "m", "prompt": "x"}"#).isEmpty)
    }

    @Test("What is no request is refused")
    func refusals() throws {
        #expect(refusal("{}") == 400)
        #expect(refusal("[]") == 400)
        #expect(refusal(#"{"model": ""}"#) == 400)
        #expect(refusal(#"{"model": "m", "messages": "hi"}"#) == 400)
        #expect(refusal(#"{"model": "m", "messages": [{"content": "hi"}]}"#) == 400)
        #expect(refusal(#"{"model": "m", "messages": [{"role": "user", "images": [1]}]}"#) == 400)
        #expect(refusal(#"{"name": "m", "messages": []}"#) == nil)
    }

    @Test("Values are counted as they stand, those in texts not")
    func sizes() {
        #expect(JSONSize.values(in: Array(#"{"a":[1,2,3],"b":{}}"#.utf8)) == 7)
        #expect(JSONSize.values(in: Array(#""a,b[{\",""#.utf8)) == 1)
    }
}
