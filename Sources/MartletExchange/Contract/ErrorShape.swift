package import MartletBase
import NIOCore

/// How an error looks in the API a route speaks. The machine-readable code is the same everywhere.
package enum ErrorShape: Sendable {
    /// `{"error": {"message", "type", "param", "code"}}`, as OpenAI's clients read it.
    case openAI
    /// `{"error": {"code", "message"}}`.
    case plain
    /// `{"error": "message"}`, as Ollama's clients read it.
    case ollama

    /// The body of an error answer, JSON.
    package func body(_ error: MartletError) -> String {
        body(
            code: error.code.text, message: Self.message(error), type: Self.type(error.code),
            parameter: Self.parameter(error.code))
    }

    /// The body of an error answer whose code and message are the model's own, JSON.
    package func body(code: String, message: String, status: Int) -> String {
        body(
            code: code, message: message, type: status < 500 ? "invalid_request_error" : "upstream_error",
            parameter: "null")
    }

    private func body(code: String, message: String, type: String, parameter: String) -> String {
        let (code, message) = (JSONText.quoted(code), JSONText.quoted(message))
        return switch self {
        case .openAI:
            #"{"error":{"message":\#(message),"type":"\#(type)","param":\#(parameter),"code":\#(code)}}"#
        case .plain:
            #"{"error":{"code":\#(code),"message":\#(message)}}"#
        case .ollama:
            #"{"error":\#(message)}"#
        }
    }

    /// The error as one event of a stream that has begun. OpenAI's clients raise on a data object that holds `error`.
    package func event(_ error: MartletError) -> String {
        switch self {
        case .openAI: "data: \(body(error))\n\n"
        case .plain: "event: error\ndata: \(body(error))\n\n"
        case .ollama: body(error) + "\n"
        }
    }

    private static func message(_ error: MartletError) -> String {
        let parts = [error.operation, error.cause].filter { !$0.isEmpty }
        return parts.isEmpty ? error.code.sentence : parts.joined(separator: ": ")
    }

    private static func type(_ code: ErrorCode) -> String {
        switch code.fault {
        case .caller: "invalid_request_error"
        case .policy: "overloaded_error"
        case .upstream, .worker: "upstream_error"
        case .self: "server_error"
        }
    }

    private static func parameter(_ code: ErrorCode) -> String {
        code == .modelNotFound ? #""model""# : "null"
    }
}

extension ErrorCode {
    /// What happened, in a sentence for the person who reads the error.
    package var sentence: String {
        switch self {
        case .badRequest: "The request is malformed."
        case .invalidBody: "The request body is not what this API expects."
        case .unauthorized: "The request carries no valid credentials."
        case .notFound: "There is nothing at this path."
        case .modelNotFound: "The model does not exist."
        case .methodNotAllowed: "The method is not allowed here."
        case .requestTimeout: "The request did not arrive in time."
        case .bodyTooLarge: "The request body is larger than allowed."
        case .targetTooLong: "The request target is longer than allowed."
        case .expectationFailed: "The expectation cannot be met."
        case .headersTooLarge: "The header fields are larger than allowed."
        case .codingNotSupported: "The transfer coding is not supported."
        case .versionNotSupported: "The HTTP version is not supported."
        case .queueFull: "The queue is full."
        case .queueTimeout: "The request waited too long in the queue."
        case .poolRemoved: "The pool of targets was taken out of the configuration."
        case .noCapacity: "There is no capacity for the request in time."
        case .deadlineExceeded: "The deadline that the caller stated has passed."
        case .overloaded: "The server is at its limit."
        case .tooManyConnections: "This client has too many connections, or opens them too fast."
        case .shuttingDown: "The server is shutting down."
        case .noTarget: "No backend is available."
        case .connectFailed: "The backend refused the connection."
        case .connectTimeout: "The backend did not accept the connection in time."
        case .firstByteTimeout: "The backend did not begin to answer in time."
        case .idleTimeout: "The backend stopped in the middle of its answer."
        case .totalTimeout: "The request took longer than allowed."
        case .upstreamReset: "The backend closed the connection before it answered."
        case .upstreamTruncated: "The backend ended its answer before its end."
        case .upstreamMalformed: "The backend's answer is not valid HTTP."
        case .workerFailed: "The model failed."
        case .workerCrashed: "The model's process died."
        case .requestQuarantined: "The model's process died twice while it worked on this request."
        case .internalError: "The request failed inside the gateway."
        }
    }
}
