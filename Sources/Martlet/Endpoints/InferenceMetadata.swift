import MartletWire

/// What the Open Inference Protocol says of a model: its inputs and outputs, as far as schemas tell.
struct InferenceMetadata {
    private let model: ServedModel

    init(_ model: ServedModel) {
        self.model = model
    }

    /// As JSON.
    var text: String {
        let metadata: JSONValue = [
            "name": .string(model.name), "versions": [.string(model.version)],
            "platform": .string(model.api.platform.rawValue),
            "inputs": Self.tensors(model.api.requestSchema), "outputs": Self.tensors(model.api.responseSchema),
        ]
        return metadata.text
    }

    /// One for each member of an object; sizes are not known.
    private static func tensors(_ schema: JSONValue?) -> JSONValue {
        guard case .object(let members)? = schema?["properties"] else { return [] }
        return .array(
            members.sorted { $0.key < $1.key }.map { name, schema in
                let (type, rank) = tensor(schema)
                return [
                    "name": .string(name), "datatype": .string(type.rawValue),
                    "shape": .array(rank == 0 ? [1] : Array(repeating: -1, count: rank)),
                ]
            })
    }

    /// Lists in lists are dimensions. Objects, and what may be several things, are their JSON.
    private static func tensor(_ schema: JSONValue) -> (TensorType, rank: Int) {
        var (schema, rank) = (schema, 0)
        while schema["type"] == "array", let items = schema["items"], rank < 16 {
            schema = items
            rank += 1
        }
        switch schema["type"] {
        case "integer": return (.int64, rank)
        case "number": return (.fp64, rank)
        case "boolean": return (.bool, rank)
        default: return (.bytes, rank)
        }
    }
}
