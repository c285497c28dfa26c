import MartletWire

/// Any backend that answers `POST /v1/embeddings` as OpenAI's API does.
package struct RemoteEmbedder: Embedder {
    package struct Settings: Sendable {
        /// Of requests.
        package var model: String
        /// Put before what is asked, and before what is found: some models want `query: ` and `passage: `.
        package var queryPrefix = ""
        package var passagePrefix = ""
        /// Of one request.
        package var maximumTexts = 64
        /// Of all texts of one request, in bytes of UTF-8; a longer one is refused.
        package var maximumBytes = 128 << 10
        package var requestsAtOnce = 2
        /// How often a request is made in all, while the backend asks to come later (429, 503).
        package var attempts = 3
        /// The longest wait that a backend may ask for, in seconds; one that asks for more has failed.
        package var maximumWaitSeconds = 10.0

        package init(model: String) { self.model = model }
    }

    /// What a backend answered.
    package struct Reply: Sendable {
        package var status: Int
        /// Its `Retry-After`, where it is a number of seconds.
        package var retryAfterSeconds: Double?
        package var body: [UInt8]

        package init(status: Int, retryAfterSeconds: Double? = nil, body: [UInt8]) {
            self.status = status
            self.retryAfterSeconds = retryAfterSeconds
            self.body = body
        }
    }

    /// Sends a JSON body to the backend, through the dispatcher; throws when no backend can be reached.
    package typealias Call = @Sendable (_ body: [UInt8]) async throws -> Reply
    package typealias Pause = @Sendable (_ seconds: Double) async throws -> Void

    package let model: EmbeddingModel
    private let settings: Settings
    private let call: Call
    private let pause: Pause

    /// - Parameter model: What its vectors are kept under: name and version as the configuration says them, for the
    ///   backend does not tell its weights.
    package init(
        model: EmbeddingModel, settings: Settings, pause: @escaping Pause = { try await Task.sleep(for: .seconds($0)) },
        call: @escaping Call
    ) {
        self.model = model
        self.settings = settings
        self.pause = pause
        self.call = call
    }

    /// An embedder for a backend whose dimensions are not known yet: asks it once.
    ///
    /// - Throws: `KnowledgeError`, `CancellationError`.
    package static func measuring(
        name: String, version: String, settings: Settings,
        pause: @escaping Pause = { try await Task.sleep(for: .seconds($0)) }, call: @escaping Call
    ) async throws -> RemoteEmbedder {
        func embedder(_ dimensions: Int) -> RemoteEmbedder {
            let model = EmbeddingModel(name: name, version: version, dimensions: dimensions)
            return RemoteEmbedder(model: model, settings: settings, pause: pause, call: call)
        }
        let vectors = try await embedder(0).vectors(of: ["dimensions"])
        return embedder(vectors[0].count)
    }

    package func embed(_ texts: [String], as role: EmbeddingRole) async throws -> [[Float]] {
        let prefix = role == .query ? settings.queryPrefix : settings.passagePrefix
        let batches = try Self.batches(of: texts.map { prefix + $0 }, settings)
        return try await inOrder(batches, atOnce: settings.requestsAtOnce) { try await vectors(of: $0) }.flatMap { $0 }
    }

    private func vectors(of texts: [String]) async throws -> [[Float]] {
        let request: JSONValue = [
            "model": .string(settings.model), "input": .array(texts.map(JSONValue.string)), "encoding_format": "base64",
        ]
        let body = Array(request.text.utf8)
        for attempt in 1... {
            let reply = try await answer(to: body)
            if reply.status == 200 {
                return try EmbeddingReply.vectors(reply.body, texts: texts.count, dimensions: model.dimensions)
            }
            let failure = EmbeddingReply.failure(status: reply.status, body: reply.body)
            let wait = reply.retryAfterSeconds ?? 0.5 * Double(attempt)
            guard failure.code == .overloaded, attempt < settings.attempts, wait <= settings.maximumWaitSeconds else {
                throw failure
            }
            try await pause(max(0, wait))
        }
        // Not reached: the loop ends by itself only.
        throw KnowledgeError(.unavailable, "The embedding backend does not answer.")
    }

    private func answer(to body: [UInt8]) async throws -> Reply {
        do {
            return try await call(body)
        } catch let error as KnowledgeError {
            throw error
        } catch {
            try Task.checkCancellation()
            throw KnowledgeError(.unavailable, "The embedding backend cannot be reached: \(error).")
        }
    }

    private static func batches(of texts: [String], _ settings: Settings) throws(KnowledgeError) -> [[String]] {
        var batches: [[String]] = []
        var bytes = 0
        for text in texts {
            let size = text.utf8.count
            guard size <= settings.maximumBytes else {
                throw KnowledgeError(.tooLarge, "A text has more than \(settings.maximumBytes) bytes.")
            }
            if batches.isEmpty || bytes + size > settings.maximumBytes
                || batches[batches.count - 1].count >= max(1, settings.maximumTexts)
            {
                batches.append([])
                bytes = 0
            }
            batches[batches.count - 1].append(text)
            bytes += size
        }
        return batches
    }
}
