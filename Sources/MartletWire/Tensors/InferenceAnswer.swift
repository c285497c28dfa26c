import MartletBase
public import NIOCore

/// A model's answer as the outputs of the Open Inference Protocol: each member of a JSON object is one; any other
/// answer is the only one, named `output`.
public struct InferenceAnswer: Sendable {
    /// More members than this are no outputs.
    private static let maximumOutputs = 1024

    public let outputs: [InferenceOutput]

    public init(_ body: ByteBuffer) {
        let bytes = Array(body.readableBytesView)
        let read = (try? Self.members(of: bytes)) ?? (try? [InferenceOutput(name: "output", json: bytes[...])])
        outputs = read ?? [InferenceOutput(name: "output", bytes: bytes[...])]
    }

    private static func members(of bytes: [UInt8]) throws(WireError) -> [InferenceOutput] {
        var outputs: [InferenceOutput] = []
        var cursor = JSONCursor(bytes)
        try cursor.object { (name, cursor) throws(WireError) in
            guard outputs.count < maximumOutputs else { throw WireError(.upstreamMalformed, "too many members") }
            outputs.append(try InferenceOutput(name: name, json: try cursor.value()))
        }
        try cursor.expectEnd()
        return outputs
    }

    /// A name that is wanted and not there.
    public func missing(_ request: InferenceRequest) -> String? {
        request.wanted.first { wanted in !outputs.contains { $0.name == wanted.name } }?.name
    }

    /// The answer to `request`: JSON, and the tensors that go as bytes behind it; without one of those, empty.
    ///
    /// - Throws: `upstreamMalformed` where bytes that are no text would have to go as JSON.
    public func written(
        to request: InferenceRequest, model: String, version: String
    ) throws(WireError) -> (header: ByteBuffer, tensors: ByteBuffer) {
        var header = ByteBuffer(
            string: #"{"model_name":\#(JSONText.quoted(model)),"model_version":\#(JSONText.quoted(version))"#)
        if !request.id.isEmpty { header.writeString(#","id":\#(JSONText.quoted(request.id))"#) }
        header.writeStaticString(#","outputs":["#)
        var tensors = ByteBuffer()
        var isFirst = true
        for output in outputs {
            let wanted = request.wanted.first { $0.name == output.name }
            guard request.wanted.isEmpty || wanted != nil else { continue }
            if !isFirst { header.writeStaticString(",") }
            isFirst = false
            let isBinary = wanted?.isBinary ?? request.isBinary
            if isBinary {
                try output.write(into: &header, tensors: &tensors)
            } else {
                try output.write(into: &header)
            }
        }
        header.writeStaticString("]}")
        return (header, tensors)
    }
}
