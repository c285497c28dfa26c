package import MartletExchange
import MartletWire

/// `/knowledge-base`: the page of the knowledge bases. It asks `/knowledge` on the same port, with the token that its
/// reader types in where there is one.
package final class KnowledgePage: LocalHandler {
    package static let path = "/knowledge-base"

    private static let response = LocalResponse.page(PackageResources.knowledge_html)

    package init() {}

    package func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try request.must(be: .get)
        return Self.response
    }
}
