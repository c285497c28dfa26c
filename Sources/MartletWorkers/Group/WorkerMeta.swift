import MartletBase
import MartletExchange
import MartletWire
import NIOCore

/// What a worker is told of a request beside its body: a JSON object that leaves out what goes without saying.
/// How long an answer is of use is added when it is sent.
enum WorkerMeta {
    /// - Parameter type: That of the body, where it is no longer the client's but a former stage's.
    static func bytes(
        of request: OutgoingRequest, for api: WorkerAPI, _ caller: CallerFacts, client: String, type: String? = nil
    ) -> ByteBuffer {
        let head = request.head
        let isClients = type == nil
        var buffer = ByteBuffer()
        buffer.writeStaticString("{\"op\":")
        buffer.writeJSONString(api.operation)
        if isClients, head.method != .post { add("method", head.methodText, to: &buffer) }
        let path = head.path
        if path != api.path { add("path", path, to: &buffer) }
        let queryStart = head.pathLength + 1
        if let query = head.target.getString(
            at: head.target.readerIndex + queryStart, length: head.target.readableBytes - queryStart), !query.isEmpty
        {
            add("query", query, to: &buffer)
        }
        let type = type ?? head.headers.value(.contentType)
        if let type, type != "application/json" { add("type", type, to: &buffer) }
        add("client", client, to: &buffer)
        if !caller.requestID.isEmpty { add("id", caller.requestID, to: &buffer) }
        if caller.priority != .interactive { add("priority", caller.priority.text, to: &buffer) }
        addFields(request, except: isClients ? left : left.union([.contentEncoding]), to: &buffer)
        buffer.writeStaticString("}")
        return buffer
    }

    private static func add(_ key: StaticString, _ value: String, to buffer: inout ByteBuffer) {
        buffer.writeStaticString(",\"")
        buffer.writeStaticString(key)
        buffer.writeStaticString("\":")
        buffer.writeJSONString(value)
    }

    /// What a connection to a target would not be sent is left out here as well, and what it would be sent besides
    /// comes along: who forwarded it, for whom, is never the client's to say.
    private static func addFields(
        _ request: OutgoingRequest, except left: FieldSet, to buffer: inout ByteBuffer
    ) {
        var fields = FieldObject()
        fields.add(request.head.headers, except: left.union(request.except), exceptNamed: request.exceptNamed)
        fields.add(lines: request.lines.bytes)
        buffer.writeStaticString(",\"headers\":")
        fields.write(into: &buffer)
    }

    /// What is said elsewhere, or ends here.
    private static let left: FieldSet = FieldSet.hopByHop.union(.framing).union([.contentType])
}
