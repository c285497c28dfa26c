import MartletBase

/// What a kombu consumer writes down of a message before it works on it: the message, and where it came from.
public struct CeleryReservation: Sendable, Equatable {
    /// The message as it was served.
    public var message: [UInt8]
    public var exchange: String
    public var routingKey: String

    /// Reads `[message, exchange, routing_key]`; nil: it is something else.
    public init?(_ bytes: [UInt8]) {
        var elements: [ArraySlice<UInt8>] = []
        var cursor = JSONCursor(bytes)
        do throws(WireError) {
            try cursor.array { cursor throws(WireError) in elements.append(try cursor.value()) }
            try cursor.expectEnd()
        } catch {
            return nil
        }
        guard elements.count == 3, let exchange = Self.text(elements[1]), let routingKey = Self.text(elements[2])
        else { return nil }
        message = Array(elements[0])
        self.exchange = exchange
        self.routingKey = routingKey
    }

    /// Writes it down as kombu does.
    public static func text(_ message: [UInt8], exchange: String, routingKey: String) -> [UInt8] {
        let origin = ", \(JSONText.quoted(exchange)), \(JSONText.quoted(routingKey))]"
        var text: [UInt8] = []
        text.reserveCapacity(message.count + origin.utf8.count + 1)
        text.append(UInt8(ascii: "["))
        text += message
        text += origin.utf8
        return text
    }

    private static func text(_ quoted: ArraySlice<UInt8>) -> String? {
        guard quoted.first == UInt8(ascii: "\""), quoted.count >= 2 else { return nil }
        return JSONString.decode(quoted.dropFirst().dropLast())
    }
}
