import MartletBase
import MartletExchange
import MartletWire
import NIOCore

/// What a worker is told of a request beside its body: a JSON object that leaves out what goes without saying.
enum WorkerMeta {
    static func bytes(
        of head: RequestHead, for api: WorkerAPI, _ caller: CallerFacts, client: String, deadline: Instant, now: Instant
    ) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeStaticString("{\"op\":")
        buffer.writeString(JSONText.quoted(api.operation))
        if head.method != .post { add("method", head.methodText, to: &buffer) }
        let path = head.path
        if path != api.path { add("path", path, to: &buffer) }
        let queryStart = head.pathLength + 1
        if let query = head.target.getString(
            at: head.target.readerIndex + queryStart, length: head.target.readableBytes - queryStart), !query.isEmpty
        {
            add("query", query, to: &buffer)
        }
        if let type = head.headers.value(.contentType), type != "application/json" { add("type", type, to: &buffer) }
        add("client", client, to: &buffer)
        if !caller.requestID.isEmpty { add("id", caller.requestID, to: &buffer) }
        if caller.priority != .interactive { add("priority", caller.priority.text, to: &buffer) }
        if deadline < .never {
            buffer.writeStaticString(",\"ms\":")
            buffer.writeString(String(max(0, (deadline - now).wholeNanoseconds / 1_000_000)))
        }
        addFields(head, to: &buffer)
        buffer.writeStaticString("}")
        return buffer
    }

    private static func add(_ key: StaticString, _ value: String, to buffer: inout ByteBuffer) {
        buffer.writeStaticString(",\"")
        buffer.writeStaticString(key)
        buffer.writeStaticString("\":")
        buffer.writeString(JSONText.quoted(value))
    }

    /// Names in lower case; equal names are one, joined by commas.
    private static func addFields(_ head: RequestHead, to buffer: inout ByteBuffer) {
        var fields: [(name: String, value: String)] = []
        let headers = head.headers
        for field in headers.fields where !left.contains(field.name) {
            let (name, value) = (headers.name(field).lowercased(), headers.value(field))
            if let same = fields.firstIndex(where: { $0.name == name }) {
                fields[same].value += ", " + value
            } else {
                fields.append((name, value))
            }
        }
        buffer.writeStaticString(",\"headers\":{")
        for (index, field) in fields.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            buffer.writeString(JSONText.quoted(field.name))
            buffer.writeStaticString(":")
            buffer.writeString(JSONText.quoted(field.value))
        }
        buffer.writeStaticString("}")
    }

    /// What is said elsewhere, or ends here.
    private static let left: FieldSet = FieldSet.hopByHop.union(.framing).union([.contentType])
}
