import MartletBase
import MartletNet
import Testing

@testable import Martlet

@Suite("knowledge") struct KnowledgeConfigurationTests {
    private func knowledge(_ text: String) throws -> KnowledgeConfiguration {
        try #require(try decoded(text).knowledge)
    }

    @Test("A section alone is enough")
    func standard() throws {
        let usual = try knowledge("knowledge: {}\n")
        #expect(usual == KnowledgeConfiguration())
        #expect(usual.store == .folder(".martlet/knowledge") && usual.embedding == .sentences)
        #expect(usual.compatibility == .martlet && usual.cache?.memory == 64 << 20 && usual.chat == nil)
    }

    @Test("Each key says what it says")
    func keys() throws {
        let text = """
            pools: {chat: {targets: [http://127.0.0.1:9]}}
            models: {qwen3: {pool: chat}, bge: {pool: chat}}
            knowledge:
              store: {chroma: "http://10.0.0.20:8000"}
              embedding: bge
              weights: /data/weights
              chat: qwen3
              rerank: bge
              patience: 2s
              ocr: qwen3
              compatibility: chatchat
              body: 1GiB
              cache: {memory: 8MiB, ttl: 10m, redis: "redis://10.0.0.5:6379/1"}
              sessions: {days: 3, redis: "redis://10.0.0.5:6379/2"}

            """
        let knowledge = try self.knowledge(text)
        #expect(knowledge.store == .chroma(try HTTPURL("http://10.0.0.20:8000")))
        #expect(knowledge.weights == "/data/weights" && knowledge.patience == .seconds(2))
        #expect(knowledge.embedding == .model("bge") && knowledge.chat == "qwen3" && knowledge.rerank == "bge")
        #expect(knowledge.ocr == "qwen3")
        #expect(knowledge.compatibility == .chatchat && knowledge.body == 1 << 30 && knowledge.sessionDays == 3)
        let answers = try RedisURL("redis://10.0.0.5:6379/1")
        #expect(
            knowledge.cache
                == KnowledgeCacheConfiguration(memory: 8 << 20, timeToLive: .seconds(600), redis: answers))
        #expect(knowledge.sessionRedis?.database == 2)
        #expect(try self.knowledge("models: {a: {pool: chat}}\npools: {chat: {targets: [http://127.0.0.1:9]}}\n"
            + "knowledge: {ocr: /ocr}\n").ocr == "/ocr", "a worker's path is no model's name")
        #expect(try self.knowledge("knowledge: {store: /data/k, embedding: e5, cache: off}\n").cache == nil)
    }

    @Test("A route before Chatchat instances may keep their replies, and no other one")
    func replies() throws {
        func replies(_ cache: String) throws -> ReplyCacheConfiguration? {
            let route = "routes:\n  - {path: /, pool: chat\(cache)}\n"
            return try decoded("pools: {chat: {targets: [http://127.0.0.1:9]}}\n" + route).routes[0].replies
        }
        #expect(try replies("") == nil && replies(", cache: off") == nil)
        #expect(try replies(", cache: on") == ReplyCacheConfiguration())
        let stated = ReplyCacheConfiguration(memory: 8 << 20, timeToLive: .seconds(60))
        #expect(try replies(", cache: {chatchat: on, ttl: 1m, memory: 8MiB}") == stated)
        let model = "pools: {chat: {targets: [http://127.0.0.1:9]}}\nmodels: {a: {pool: chat}}\n"
        #expect(problems(model + "routes:\n  - {path: /v1/, cache: on}\n").count == 1)
    }

    @Test("What cannot be is refused")
    func mistakes() {
        for wrong in [
            "knowledge: {store: {folder: a, chroma: \"http://a:1\"}}\n", "knowledge: {store: {chroma: nowhere}}\n",
            "knowledge: {compatibility: langchain}\n", "knowledge: {body: 1}\n", "knowledge: {cash: on}\n",
            "knowledge: {cache: {redis: \"redis://a:1/0\"}}\n", "knowledge: {sessions: {redis: \"http://a:1\"}}\n",
            "pools: {chat: {targets: [http://127.0.0.1:9]}}\nmodels: {a: {pool: chat}}\nknowledge: {chat: b}\n",
            "pools: {chat: {targets: [http://127.0.0.1:9]}}\nmodels: {a: {pool: chat}}\nknowledge: {ocr: b}\n",
        ] {
            #expect(problems(wrong).count == 1, "\(wrong)")
        }
    }
}
