import MartletTelemetry
import MartletWire
import NIOCore

extension RequestHead {
    /// The body is JSON that says which model is meant. (Uploads as multipart say it in a form we do not read.)
    var namesModel: Bool {
        guard method == .post else { return false }
        guard let type = headers.first(.contentType) else { return true }
        return headers.value(type, isIgnoringCase: "application/json")
            || !headers.value(type).lowercased().hasPrefix("multipart/")
    }

    /// What the model is asked to do; nil for paths that are none of OpenAI's three.
    var operation: ModelOperation? {
        if pathEnds(with: "/chat/completions") { return .chat }
        if pathEnds(with: "/completions") { return .textCompletion }
        return pathEnds(with: "/embeddings") ? .embeddings : nil
    }
}
