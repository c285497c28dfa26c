import MartletWire

// The Open Inference Protocol, as OpenAPI says it.
extension OpenAPIDocument {
    /// Its paths, which are the same for all models.
    mutating func addInference() {
        let model: JSONValue = ["name": "name", "in": "path", "required": true, "schema": ["type": "string"]]
        let version: JSONValue = ["name": "version", "in": "path", "required": true, "schema": ["type": "string"]]
        let tensors: JSONValue = [
            "type": "object", "required": ["inputs"],
            "properties": [
                "id": ["type": "string"], "inputs": ["type": "array", "items": Self.tensor],
                "outputs": ["type": "array", "items": ["type": "object", "required": ["name"]]],
            ],
        ]
        let answer: JSONValue = [
            "type": "object", "required": ["model_name", "outputs"],
            "properties": ["outputs": ["type": "array", "items": Self.tensor]],
        ]
        add("/v2", "get", "The server", "server_metadata")
        add("/v2/health/live", "get", "Whether the server runs", "server_live")
        add("/v2/health/ready", "get", "Whether every model can serve", "server_ready")
        add("/v2/repository/index", "post", "The models", "repository_index")
        for (place, parameters, suffix): (String, JSONValue, String) in [
            ("/v2/models/{name}", [model], ""), ("/v2/models/{name}/versions/{version}", [model, version], "_version"),
        ] {
            add(place, "get", "The model", "model\(suffix)_metadata", parameters)
            add("\(place)/ready", "get", "Whether the model can serve", "model\(suffix)_ready", parameters)
            add(
                "\(place)/infer", "post", "Tensors to tensors", "model\(suffix)_infer", parameters, body: tensors,
                answer: answer)
        }
    }

    private static let tensor: JSONValue = [
        "type": "object", "required": ["name", "shape", "datatype"],
        "properties": [
            "name": ["type": "string"], "shape": ["type": "array", "items": ["type": "integer"]],
            "datatype": ["type": "string"], "data": ["type": "array"],
        ],
    ]
}
