extension ConfigurationKeys {
    static let knowledge: [ConfigurationKey] = [
        ConfigurationKey("knowledge", .section, "Documents that questions are answered from."),
        ConfigurationKey(
            "knowledge.store", .section,
            "Where documents are: in a folder of this process, or in a Chroma server.", shorthand: "folder"),
        ConfigurationKey(
            "knowledge.store.folder", .file, ".martlet/knowledge",
            "The folder: SQLite's file and the uploaded files. Of one process, on a disk of its own machine."),
        ConfigurationKey(
            "knowledge.store.chroma", .url,
            "In place of the folder: `http://HOST:PORT` of a Chroma server, which nodes share."),
        ConfigurationKey(
            "knowledge.embedding", .text, "sentences",
            "What turns texts into vectors: `sentences` (in this process, 16 languages), `e5` (better, and far slower),"
                + " or one of `models`, asked at `/v1/embeddings`."),
        ConfigurationKey(
            "knowledge.weights", .file, ".martlet/encoders", "The folder of the weights of `sentences` and `e5`."),
        ConfigurationKey(
            "knowledge.chat", .text, "Which of `models` answers; without it the best passages are the answer."),
        ConfigurationKey(
            "knowledge.patience", .duration, "5s",
            "How long it may take to begin; then the best passages are the answer."),
        ConfigurationKey(
            "knowledge.rerank", .text,
            "What orders the best of what was found anew: one of `models`, asked at `/v1/rerank`, or `e5` (in this"
                + " process)."),
        ConfigurationKey(
            "knowledge.ocr", .text,
            "Which of `models` reads the words in images, sent to it as a chat at `/v1/chat/completions`; or the path"
                + " of a worker that is asked so. Without it an image is refused."),
        ConfigurationKey(
            "knowledge.compatibility", .word, "martlet",
            "`chatchat`: Langchain-Chatchat's exact forms, with its quirks; `martlet`: the corrected ones."),
        ConfigurationKey("knowledge.body", .size, "256MiB", "The largest upload."),
        ConfigurationKey(
            "knowledge.cache", .section, "Answers are kept for who asks the same, until a document changes them; `off`:"
                + " each question is answered anew.", shorthand: "keep"),
        ConfigurationKey("knowledge.cache.keep", .flag, "true", "Keep them."),
        ConfigurationKey("knowledge.cache.memory", .size, "64MiB", "How much of them is kept."),
        ConfigurationKey("knowledge.cache.ttl", .duration, "1d", "For how long at most."),
        ConfigurationKey(
            "knowledge.cache.redis", .url,
            "In place of memory: `redis://HOST:PORT/0` of a Redis, where nodes with one `store.chroma` share them."),
        ConfigurationKey("knowledge.sessions", .section, "What was said before, of questions that name a session."),
        ConfigurationKey(
            "knowledge.sessions.days", .count, "30", "How long a session is kept after its last question."),
        ConfigurationKey(
            "knowledge.sessions.redis", .url,
            "In place of the store's folder: `redis://HOST:PORT/0` of a Redis, so that any node goes on with any."),
    ]
}
