package import MartletExchange
import MartletWire

/// `/tasks`: the page of tasks. What it shows it asks for, with the token that its reader types in where there is one.
package final class TasksPage: LocalHandler {
    package static let path = "/tasks"

    private static let response = LocalResponse.page(PackageResources.tasks_html)

    package init() {}

    package func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try request.must(be: .get)
        return Self.response
    }
}
