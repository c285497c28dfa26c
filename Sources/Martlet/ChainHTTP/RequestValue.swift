import MartletExchange
import MartletGateway
import MartletWire
import NIOCore

extension LocalRequest {
    /// The body. Throws 422.
    func json() throws -> JSON {
        guard let value = try? JSON.parse(body.readableBytesView) else { throw HTTPError(422, ["Invalid JSON body"]) }
        return value
    }
}

extension JSON {
    /// As a value that `schema` describes. Throws 422.
    ///
    /// - Parameter place: where it is, for the reader of a problem.
    func fitting<Value: Decodable>(_ schema: JSON, at place: [JSON] = []) throws -> Value {
        let problems = SchemaCheck.problems(of: self, schema, at: place)
        guard problems.isEmpty else { throw HTTPError.invalid(problems) }
        do {
            return try decoded()
        } catch let error as DecodingError {
            throw HTTPError.wrong("value_error", place, error.said, self)
        }
    }
}

extension DecodingError {
    /// What does not fit, for the client.
    fileprivate var said: String {
        switch self {
        case .dataCorrupted(let context), .typeMismatch(_, let context), .keyNotFound(_, let context),
            .valueNotFound(_, let context):
            context.debugDescription
        @unknown default: "the value does not fit"
        }
    }
}
