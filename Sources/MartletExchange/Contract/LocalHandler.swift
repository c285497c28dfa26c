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
    /// When its answer is of no use any more.
    package var deadline: Instant = .never
    package var priority: PriorityClass = .interactive

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
    /// For what takes one method alone; who takes `GET` takes `HEAD` as well.
    ///
    /// - Throws: `methodNotAllowed`, which says the method that is taken.
    package func must(be wanted: MartletWire.Method) throws(MartletError) {
        let taken: [MartletWire.Method] = wanted == .get ? [.get, .head] : [wanted]
        guard taken.contains(method) else { throw MartletError.wrongMethod(allow: taken.map(\.text)) }
    }
}

extension MartletError {
    /// What its answer says beside its body.
    package var headers: [(name: String, value: String)] {
        allowed.isEmpty ? [] : [("Allow", allowed.joined(separator: ", "))]
    }
}

/// What a handler answers: a whole body, or one that it writes piece by piece.
package struct LocalResponse: Sendable {
    /// Writes the body. What it throws breaks the answer off.
    package typealias Stream = @Sendable (LocalWriter) async throws -> Void

    package var status: Int
    package var contentType: String
    package var headers: [(name: String, value: String)] = []
    /// Empty where there is a stream.
    package var body: ByteBuffer
    package var stream: Stream?

    package init(status: Int, contentType: String, body: ByteBuffer) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    package init(status: Int = 200, contentType: String, stream: @escaping Stream) {
        self.init(status: status, contentType: contentType, body: ByteBuffer())
        self.stream = stream
    }

    /// A JSON answer; `text` is JSON already.
    package static func json(_ text: String, status: Int = 200) -> LocalResponse {
        LocalResponse(status: status, contentType: "application/json", body: ByteBuffer(string: text))
    }
}

/// An endpoint inside this process: console, health, model list, models and chains written in Swift. Runs in one task
/// for each request, which is cancelled when the client leaves. A thrown `MartletError` becomes the error of the
/// route's API; any other error a 500.
package protocol LocalHandler: Sendable, AnyObject {
    func handle(_ request: LocalRequest) async throws -> LocalResponse
}

/// One that takes the body of a request as it comes: uploads that would not fit into memory. Its task begins with the
/// head, and sees `LocalRequest.body` empty.
package protocol UploadHandler: LocalHandler {
    /// - Parameter body: Need not be read to its end.
    func handle(_ request: LocalRequest, body: LocalBody) async throws -> LocalResponse
}

extension UploadHandler {
    /// For callers that have the whole body.
    package func handle(_ request: LocalRequest) async throws -> LocalResponse {
        var head = request
        head.body = ByteBuffer()
        return try await handle(head, body: LocalBody(request.body))
    }
}
