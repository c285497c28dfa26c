import MartletBase
import MartletExchange
import MartletWire

/// `GET /v1/models` and `/v1/models/NAME`: the names that the model API answers to.
final class ModelsEndpoint: LocalHandler {
    private let names: ModelNames
    /// When this process began to serve: OpenAI's form wants a time of creation.
    private let created: Int

    init(_ names: ModelNames, created: Int) {
        self.names = names
        self.created = created
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try request.must(be: .get)
        let names = await names.all()
        if let name = request.modelName {
            guard names.contains(name) else {
                throw MartletError(.modelNotFound, cause: "the model `\(name)` does not exist")
            }
            return .json(entry(name))
        }
        return .json(#"{"object":"list","data":[\#(names.map(entry).joined(separator: ","))]}"#)
    }

    private func entry(_ name: String) -> String {
        #"{"id":\#(JSONText.quoted(name)),"object":"model","created":\#(created),"owned_by":"martlet"}"#
    }
}

extension LocalRequest {
    /// `NAME` of `/v1/models/NAME`; nil for the list.
    fileprivate var modelName: String? {
        guard let range = path.firstRange(of: "/models/") else { return nil }
        let name = path[range.upperBound...]
        return name.isEmpty ? nil : String(name)
    }
}
