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

    private func pathEnds(with suffix: StaticString) -> Bool {
        let length = suffix.utf8CodeUnitCount
        guard pathLength >= length else { return false }
        let path = target.readableBytesUInt8Span
        var index = pathLength - length
        for byte in suffix.description.utf8 {
            guard path[index] == byte else { return false }
            index += 1
        }
        return true
    }
}
