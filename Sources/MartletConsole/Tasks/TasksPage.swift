import MartletBase
package import MartletExchange
import MartletNet
import MartletWire
import NIOCore

/// `/tasks`: the page of tasks, one static file without a secret in it. What it shows it asks for, with the token that
/// its reader types in where there is one.
package final class TasksPage: LocalHandler {
    package static let path = "/tasks"

    package init() {}

    package func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try request.must(be: .get)
        return Self.response
    }

    private static let response: LocalResponse = {
        var response = LocalResponse(
            status: 200, contentType: "text/html; charset=utf-8", body: ByteBuffer(bytes: PackageResources.tasks_html))
        response.headers = [
            ("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff"),
            (
                "Content-Security-Policy",
                "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
                    + "img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
            ),
        ]
        return response
    }()
}
