import MartletBase
import MartletExchange
import MartletWire
import NIOCore

/// What a worker is told of a request beside its body: a JSON object that leaves out what goes without saying.
enum WorkerMeta {
    static func bytes(
        of request: OutgoingRequest, for api: WorkerAPI, _ caller: CallerFacts, client: String, deadline: Instant,
        now: Instant
    ) -> ByteBuffer {
        let head = request.head
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
        addFields(request, to: &buffer)
        buffer.writeStaticString("}")
        return buffer
    }

    private static func add(_ key: StaticString, _ value: String, to buffer: inout ByteBuffer) {
        buffer.writeStaticString(",\"")
        buffer.writeStaticString(key)
        buffer.writeStaticString("\":")
        buffer.writeString(JSONText.quoted(value))
    }

    /// Names in lower case; equal names are one. What a connection to a target would not be sent is left out here as
    /// well, and what it would be sent besides comes along: who forwarded it, for whom, is never the client's to say.
    private static func addFields(_ request: OutgoingRequest, to buffer: inout ByteBuffer) {
        var fields: [(name: String, value: String)] = []
        func add(_ name: String, _ value: String) {
            if let same = fields.firstIndex(where: { $0.name == name }) {
                fields[same].value += (name == "cookie" ? "; " : ", ") + value
            } else {
                fields.append((name, value))
            }
        }
        let (headers, left) = (request.head.headers, left.union(request.except))
        for field in headers.fields where !left.contains(field.name) {
            let name = headers.name(field).lowercased()
            if !request.exceptNamed.contains(name) { add(name, headers.value(field)) }
        }
        for line in String(buffer: request.lines.bytes).split(separator: "\r\n") {
            let parts = line.split(separator: ": ", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { add(parts[0].lowercased(), String(parts[1])) }
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
