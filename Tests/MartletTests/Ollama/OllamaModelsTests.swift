import Testing

@testable import Martlet

@Suite("Names of models as Ollama's clients say them")
struct OllamaModelsTests {
    private let known = ["Chat", "llama3:8b", "phi:latest", "coder"]
    private let aliases = ["mistral:7b": "coder"]

    @Test(
        "Case and tags do not keep a model from being found",
        arguments: [
            ("Chat", "Chat"), ("chat", "Chat"), ("chat:latest", "Chat"), ("llama3:8b", "llama3:8b"),
            ("phi", "phi:latest"), ("mistral:7b", "coder"), ("qwen3", "Chat"), ("qwen3:14B", "Chat"),
            ("qwen3:0.6b", "Chat"),
        ])
    func found(_ name: String, _ model: String) {
        #expect(OllamaModels.meant(name, among: known, aliases: aliases) == model)
    }

    @Test("Others are unknown", arguments: ["llama3", "mistral", "gpt", "host:5000/chat", ""])
    func unknown(_ name: String) {
        #expect(OllamaModels.meant(name, among: known, aliases: aliases) == nil)
    }

    @Test("A model of the usual name is meant itself")
    func ownName() {
        #expect(OllamaModels.meant("qwen3:14b", among: ["a", "qwen3"], aliases: [:]) == "qwen3")
        #expect(OllamaModels.meant("qwen3", among: [], aliases: [:]) == nil)
    }
}
