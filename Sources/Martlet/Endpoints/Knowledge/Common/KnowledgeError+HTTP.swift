import MartletBase
import MartletExchange
import MartletKnowledge

extension KnowledgeError {
    /// Of an answer that says it.
    var status: Int {
        switch code {
        case .notFound: 404
        case .alreadyExists, .wrongModel: 409
        case .invalid: 400
        case .unreadable: 422
        case .tooLarge: 413
        case .unavailable, .overloaded, .inUse: 503
        case .failed: 500
        }
    }

    /// Of such an answer, beside its body's.
    var headers: [(name: String, value: String)] {
        code == .overloaded || code == .unavailable ? [("Retry-After", "1")] : []
    }

    /// In the form of `shape`, JSON; the code is the same in all of them.
    func body(_ shape: ErrorShape) -> String { shape.body(code: code.rawValue, message: message, status: status) }

    func response(_ shape: ErrorShape) -> LocalResponse {
        var response = LocalResponse.json(body(shape), status: status)
        response.headers = headers
        return response
    }
}

extension KnowledgeError {
    /// What a stream or an answer says that a handler's error broke off; nil: its client left.
    init?(of error: any Error) {
        switch error {
        case is CancellationError: return nil
        case let error as KnowledgeError: self = error
        case let flaw as FieldFlaw: self.init(.invalid, flaw.message)
        case let error as MartletError:
            self.init(
                error.code.retry == .yes ? .unavailable : error.code.fault == .caller ? .invalid : .failed,
                error.cause.isEmpty ? error.code.sentence : error.cause)
        default: self.init(.failed, "The request failed inside the server.")
        }
    }
}

extension UploadHandler {
    /// Answers with what `body` makes of the request, or with its error in the form of `shape`.
    func answering(_ shape: ErrorShape, _ body: () async throws -> LocalResponse) async throws -> LocalResponse {
        do {
            return try await body()
        } catch let error as MartletError {
            var response = LocalResponse.json(shape.body(error), status: error.code.status)
            response.headers = error.headers
            return response
        } catch {
            guard let known = KnowledgeError(of: error) else { throw error }
            return known.response(shape)
        }
    }
}
