import MartletBase
package import MartletNet

/// `knowledge`: what is there only when it is written.
package struct KnowledgeConfiguration: Sendable, Equatable {
    /// Where chunks and vectors are.
    package enum Store: Sendable, Equatable {
        /// `store.folder`: of this process.
        case folder(String)
        /// `store.chroma`: in a Chroma server, which other nodes share.
        case chroma(HTTPURL)
    }

    /// What turns texts into vectors.
    package enum Embedding: Sendable, Equatable {
        /// `sentences`: the Universal Sentence Encoder, in this process.
        case sentences
        /// `e5`: multilingual-e5-small.
        case e5
        /// One of `models`, asked at `/v1/embeddings`.
        case model(String)
    }

    package enum Compatibility: String, Sendable, CaseIterable {
        /// Langchain-Chatchat's exact forms.
        case chatchat
        /// The corrected ones.
        case martlet
    }

    package var store = Store.folder(".martlet/knowledge")
    package var embedding = Embedding.sentences
    /// `weights`: the folder of the models of this process.
    package var weights = ".martlet/encoders"
    /// `chat`: of `models`; nil: passages are the answers.
    package var chat: String?
    /// `patience`: so long the model may take until its first word.
    package var patience: Duration = .seconds(5)
    /// `rerank`: of `models`, asked at `/v1/rerank`, or `e5`.
    package var rerank: String?
    /// `ocr`: of `models`, or a path; asked with an image in a chat. nil: images are refused.
    package var ocr: String?
    package var compatibility = Compatibility.martlet
    /// `body`: of an upload, in bytes.
    package var body = 256 << 20
    /// `cache`; nil: `off`.
    package var cache: KnowledgeCacheConfiguration? = KnowledgeCacheConfiguration()
    /// `sessions.days`.
    package var sessionDays = 30
    /// `sessions.redis`: nodes share them; nil: in the store's folder.
    package var sessionRedis: RedisURL?
}

/// `knowledge.cache`.
package struct KnowledgeCacheConfiguration: Sendable, Equatable {
    /// `memory`: in bytes.
    package var memory = 64 << 20
    /// `ttl`.
    package var timeToLive: Duration = .seconds(86_400)
    /// `redis`: nodes on one Chroma server share them; nil: in memory.
    package var redis: RedisURL?
}
