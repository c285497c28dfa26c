import MartletBase
public import NIOCore

extension ByteBuffer {
    /// Writes `text` as a JSON string, quotes included.
    public mutating func writeJSONString(_ text: String) {
        writeStaticString("\"")
        writeString(JSONText.escaped(text))
        writeStaticString("\"")
    }

    /// Writes bytes as they belong between the quotes of a JSON string; what is not UTF-8 becomes U+FFFD.
    mutating func writeJSONText(_ bytes: Span<UInt8>) {
        for index in bytes.indices where !JSONText.isPlain(bytes[index]) {
            var copy: [UInt8] = []
            copy.reserveCapacity(bytes.count)
            for index in bytes.indices { copy.append(bytes[index]) }
            writeString(JSONText.escaped(String(decoding: copy, as: UTF8.self)))
            return
        }
        write(bytes)
    }
}
