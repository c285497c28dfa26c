import MartletExchange
import MartletWire
import NIOCore

/// What an error answer says, whatever its form.
enum ErrorText {
    private static let mostCharacters = 2000

    static func message(in response: LocalResponse) -> String {
        let value = try? JSON.parse(response.body.readableBytesView)
        let found = value.flatMap { ($0["error"]?["message"] ?? $0["error"] ?? $0["detail"])?.words }
        let text = found ?? (response.contentType.hasPrefix("text/") ? String(buffer: response.body) : "")
        return text.isEmpty ? "status \(response.status)" : String(text.prefix(mostCharacters))
    }
}
