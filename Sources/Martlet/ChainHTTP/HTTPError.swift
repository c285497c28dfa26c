import MartletBase
import MartletExchange
public import MartletWire
import NIOCore

/// An answer other than success, which a step or a model throws for its client to read.
public struct HTTPError: Error, Sendable {
    /// As of HTTP, at least 400.
    public let status: Int
    /// `detail` of the body.
    public let detail: JSON
    var headers: [(name: String, value: String)] = []

    public init(_ status: Int, _ detail: JSON) {
        self.status = (400...599).contains(status) ? status : 500
        self.detail = detail
    }

    /// What a client is told of an error; nil: it is none of its business.
    init?(telling error: any Error) {
        switch error {
        case let error as HTTPError: self = error
        case let error as ModelError where [429, 503, 504].contains(error.status):
            self.init(error.status, .string(error.message))
            if let seconds = error.retryAfter { headers = [("Retry-After", "\(seconds)")] }
        case let error as MartletError where error.code == .methodNotAllowed:
            self.init(error.code.status, "Method Not Allowed")
            headers = error.headers
        case let error as MartletError where error.code.fault != .`self`:
            self.init(error.code.status, .string(error.cause.isEmpty ? error.code.sentence : error.cause))
        default: return nil
        }
    }

    /// - Parameter more: Members beside `detail`.
    func response(_ more: Fields = [:]) -> LocalResponse {
        var response = LocalResponse.json(JSON.object(more.merging(["detail": detail]) { $1 }).text, status: status)
        response.headers = headers
        return response
    }

    static func invalid(_ problems: [JSON]) -> HTTPError { HTTPError(422, .array(problems)) }

    static func wrong(_ type: String, _ place: [JSON], _ message: String, _ value: JSON) -> HTTPError {
        invalid([SchemaCheck.problem(type, place, message, value)])
    }
}
