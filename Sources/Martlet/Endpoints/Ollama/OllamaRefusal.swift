import MartletBase
import MartletExchange
import MartletGateway
import MartletWire
import NIOCore

/// What is not answered, as Ollama's clients read it.
struct OllamaRefusal: Error {
    var status: Int
    var message: String
    var headers: [(name: String, value: String)] = []

    init(_ status: Int, _ message: String) {
        self.status = status
        self.message = message
    }

    static func unknown(_ model: String) -> OllamaRefusal {
        OllamaRefusal(404, "model '\(model.prefix(200))' not found")
    }

    /// Whatever kept an answer from being given.
    init(_ error: any Error) {
        switch error {
        case let refusal as OllamaRefusal: self = refusal
        case let error as MartletError:
            self.init(error.code.status, error.cause.isEmpty ? error.code.sentence : error.cause)
            headers = error.headers
        case let error as ModelError: self.init(error.status, error.message)
        default: self.init(500, "\(error)")
        }
    }

    /// What a model, or the server in front of it, said instead of an answer.
    init(_ answer: InnerAnswer) async {
        var body = ByteBuffer()
        do {
            for try await piece in answer.body where body.readableBytes < Self.bound {
                body.writeImmutableBuffer(piece)
            }
        } catch {
            // What came of it is said.
        }
        let type = answer.headers.value(.contentType) ?? "application/json"
        let said = LocalResponse(status: answer.status, contentType: type, body: body)
        self.init(answer.status < 400 ? 502 : answer.status, ErrorText.message(in: said))
        if let wait = answer.headers.value(.retryAfter) { headers = [("Retry-After", wait)] }
    }

    /// Bytes that are read of an error.
    private static let bound = 64 << 10

    /// One line of a stream, too.
    var text: String { #"{"error":\#(JSONText.quoted(message))}"# }

    var response: LocalResponse {
        var response = LocalResponse.json(text, status: status)
        response.headers = headers
        return response
    }
}
