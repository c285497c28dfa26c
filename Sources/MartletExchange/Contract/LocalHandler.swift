package import MartletBase
package import MartletWire
package import NIOCore

/// A whole request for a handler inside this process: its body was read within the route's limit.
package struct LocalRequest: Sendable {
    package var method: MartletWire.Method
    /// Path without the query, normalised.
    package var path: String
    /// What follows `?`, undecoded; empty without one.
    package var query: String
    package var headers: HeaderBlock
    package var body: ByteBuffer
    package var clientAddress: String

    package init(
        method: MartletWire.Method, path: String, query: String, headers: HeaderBlock, body: ByteBuffer,
        clientAddress: String
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.clientAddress = clientAddress
    }
}

extension LocalRequest {
    /// For endpoints that only show something.
    package func mustRead() throws(MartletError) {
        guard method == .get || method == .head else { throw MartletError(.methodNotAllowed, cause: "use GET") }
    }
}

/// What a handler answers at once.
package struct LocalResponse: Sendable {
    package var status: Int
    package var contentType: String
    package var headers: [(name: String, value: String)] = []
    package var body: ByteBuffer

    package init(status: Int, contentType: String, body: ByteBuffer) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// A JSON answer; `text` is JSON already.
    package static func json(_ text: String, status: Int = 200) -> LocalResponse {
        LocalResponse(status: status, contentType: "application/json", body: ByteBuffer(string: text))
    }
}

/// An endpoint inside this process: console, health, model list. Runs in one task for each request, which is cancelled
/// when the client leaves. A thrown `MartletError` becomes the error of the route's API; any other error a 500.
package protocol LocalHandler: Sendable, AnyObject {
    func handle(_ request: LocalRequest) async throws -> LocalResponse
}
