import MartletKnowledge
import MartletWire
import NIOCore

/// An embedding of `models`, asked through the dispatcher.
enum DispatchedEmbedding {
    private static let path = "/v1/embeddings"
    /// Of an answer's body.
    private static let mostBytes = 256 << 20

    /// - Parameter model: Of `models`. Its vectors are kept under this name: whoever puts another model behind the name
    ///   has bases embedded anew.
    static func entry(_ model: String, dispatch: Dispatch) -> EmbeddingRegistry.Entry {
        let settings = RemoteEmbedder.Settings(model: model)
        let call: RemoteEmbedder.Call = { try await post($0, dispatch) }
        return .remote(
            name: model, version: "",
            with: { dimensions in
                let model = MartletKnowledge.EmbeddingModel(name: model, version: "", dimensions: dimensions)
                return RemoteEmbedder(model: model, settings: settings, call: call)
            },
            measure: {
                try await RemoteEmbedder.measuring(name: model, version: "", settings: settings, call: call)
            })
    }

    private static func post(_ body: [UInt8], _ dispatch: Dispatch) async throws -> RemoteEmbedder.Reply {
        do {
            return try await dispatch.inNameOfClient.post(path, JSON.parse(body)) { answer in
                let bytes = try await ChatModel.bytes(answer, limit: mostBytes)
                return RemoteEmbedder.Reply(status: 200, body: Array(bytes.readableBytesView))
            }
        } catch let error as ModelError {
            let body: JSON = ["error": ["code": .string(error.code), "message": .string(error.message)]]
            return RemoteEmbedder.Reply(
                status: error.status, retryAfterSeconds: error.retryAfter.map { Double($0) },
                body: Array(body.text.utf8))
        }
    }
}
