/// Reads the message of a task: the envelope, its headers, its body.
struct TaskMessageReader {
    struct Parts {
        var task: CeleryTask
        var fields: TaskFields
        var properties: CeleryProperties
        var address: (deliveryTag: String, exchange: String, routingKey: String)
        var args: RawJSON
        var kwargs: RawJSON
        var embed: TaskEmbed
        var headers: ArraySlice<UInt8>?
        var contentType: String
        var isRedelivered: Bool
        var hasExtensions: Bool
        var bodyFlaw: TaskMessageFlaw?
    }

    private var body: ArraySlice<UInt8>?
    private var contentType = "application/json"
    private var headers: Range<Int>?
    private var fields = TaskFields()
    private var properties: CeleryProperties?
    private var isRedelivered = false
    private var hasExtensions = false

    mutating func read(_ bytes: [UInt8]) throws(TaskMessageFlaw) -> Parts {
        var cursor = JSONCursor(bytes)
        guard cursor.peek() == UInt8(ascii: "{") else { throw TaskMessageFlaw(.envelope(.notAnObject)) }
        do throws(WireError) {
            try cursor.members { name, cursor throws(WireError) in try take(name, &cursor) }
            try cursor.expectEnd()
        } catch {
            throw TaskMessageFlaw(.envelope(.notJSON))
        }
        let (task, content) = try readTask()
        let address: (deliveryTag: String, exchange: String, routingKey: String)
        do throws(CeleryFlaw) {
            guard let properties else { throw .noProperties }
            address = try properties.address()
        } catch {
            throw TaskMessageFlaw(.envelope(error), id: task.id, name: task.name)
        }
        return Parts(
            task: task, fields: content.fields, properties: properties ?? CeleryProperties(), address: address,
            args: content.args, kwargs: content.kwargs, embed: content.embed, headers: headers.map { bytes[$0] },
            contentType: contentType, isRedelivered: isRedelivered, hasExtensions: hasExtensions,
            bodyFlaw: content.flaw)
    }

    private mutating func take(_ name: Range<Int>, _ cursor: inout JSONCursor) throws(WireError) {
        switch name.count {
        case 4 where cursor.spells("body", at: name):
            guard cursor.peek() == UInt8(ascii: "\"") else { return try cursor.skip() }
            body = try cursor.value()
        case 7 where cursor.spells("headers", at: name):
            guard cursor.peek() == UInt8(ascii: "{") else { return try cursor.skip() }
            let start = cursor.index
            try cursor.members { name, cursor throws(WireError) in
                guard try fields.take(name, &cursor) else {
                    hasExtensions = hasExtensions || cursor.spells("x-", at: name.prefix(2))
                    return try takeMark(name, &cursor)
                }
            }
            headers = start..<cursor.index
        case 10 where cursor.spells("properties", at: name):
            guard cursor.peek() == UInt8(ascii: "{") else { return try cursor.skip() }
            try takeProperties(&cursor)
        case 12 where cursor.spells("content-type", at: name):
            guard case .string(let type) = try cursor.kind() else { return }
            contentType = type
        default: try cursor.skip()
        }
    }

    private mutating func takeProperties(_ cursor: inout JSONCursor) throws(WireError) {
        var properties = CeleryProperties()
        try cursor.members { name, cursor throws(WireError) in
            if cursor.spells("delivery_info", at: name) {
                guard cursor.peek() == UInt8(ascii: "{") else { return try cursor.skip() }
                properties.hasDeliveryInfo = true
                try cursor.members { name, cursor throws(WireError) in
                    guard try properties.takeDeliveryInfo(name, &cursor) else { return try takeMark(name, &cursor) }
                }
            } else {
                guard try properties.take(name, &cursor) else { return try cursor.skip() }
            }
        }
        self.properties = properties
    }

    /// Takes what marks a message that was delivered before, and skips anything else.
    private mutating func takeMark(_ name: Range<Int>, _ cursor: inout JSONCursor) throws(WireError) {
        guard cursor.spells("redelivered", at: name) else { return try cursor.skip() }
        if try cursor.value().spells("true") { isRedelivered = true }
    }

    /// What is in the body, and the fields of the task: from the headers, or from the body as well.
    private struct Content {
        var fields: TaskFields
        var args: RawJSON
        var kwargs: RawJSON
        var embed: TaskEmbed
        /// Why nothing of the above was read.
        var flaw: TaskMessageFlaw?
    }

    private func readTask() throws(TaskMessageFlaw) -> (CeleryTask, Content) {
        guard let body else { throw TaskMessageFlaw(.envelope(.noBody)) }
        guard fields.task.hasName else { return try firstVersion(try decoded(body)) }
        let task: CeleryTask
        do throws(CeleryFlaw) {
            task = try fields.task.task(.two)
        } catch {
            throw TaskMessageFlaw(.envelope(error))
        }
        do throws(TaskMessageFlaw) {
            return (task, try secondVersion(try decoded(body)))
        } catch {
            let flaw = TaskMessageFlaw(error.kind, id: task.id, name: task.name)
            guard flaw.isForOthers else { throw flaw }
            let none = try Self.content(fields, args: .emptyList, kwargs: .emptyObject, embed: .emptyObject)
            return (task, Content(fields: fields, args: none.args, kwargs: none.kwargs, embed: none.embed, flaw: flaw))
        }
    }

    /// `[args, kwargs, embed]`.
    private func secondVersion(_ body: [UInt8]) throws(TaskMessageFlaw) -> Content {
        let parts = try Self.json(body).elements ?? []
        guard parts.count == 3 else { throw TaskMessageFlaw(.body("its body is not a list of three")) }
        return try Self.content(fields, args: parts[0], kwargs: parts[1], embed: parts[2])
    }

    /// `{"task": …, "id": …, "args": …}`: what the second version has in its headers and its embedded part.
    private func firstVersion(_ body: [UInt8]) throws(TaskMessageFlaw) -> (CeleryTask, Content) {
        let json = try Self.json(body)
        guard json.isObject else { throw TaskMessageFlaw(.noTask) }
        // Beside what the headers say of how the body came about.
        var fields = fields
        var cursor = JSONCursor(json.bytes)
        do throws(WireError) {
            try cursor.members { name, cursor throws(WireError) in
                guard try fields.take(name, &cursor) else { return try cursor.skip() }
            }
        } catch {
            throw TaskMessageFlaw(.body("its body is nested too deep"))
        }
        guard fields.task.hasName else { throw TaskMessageFlaw(.noTask) }
        var task: CeleryTask
        do throws(CeleryFlaw) {
            task = try fields.task.task(.one)
        } catch {
            throw TaskMessageFlaw(.envelope(error))
        }
        // The clock of a producer that we do not know.
        if fields.json(.utc)?.bool == false { (task.eta, task.expires) = (nil, nil) }
        var embed = RawObject()
        embed["callbacks"] = fields.json(.callbacks)
        embed["errbacks"] = fields.json(.errbacks)
        embed["chord"] = fields.json(.chord)
        do throws(TaskMessageFlaw) {
            let content = try Self.content(
                fields, args: fields.json(.args) ?? .emptyList, kwargs: fields.json(.kwargs) ?? .emptyObject,
                embed: embed.json)
            return (task, content)
        } catch {
            throw TaskMessageFlaw(error.kind, id: task.id, name: task.name)
        }
    }

    private static func content(
        _ fields: TaskFields, args: RawJSON, kwargs: RawJSON, embed: RawJSON
    ) throws(TaskMessageFlaw) -> Content {
        guard args.isList else { throw TaskMessageFlaw(.body("its arguments are not a list")) }
        guard kwargs.isObject else { throw TaskMessageFlaw(.body("its keyword arguments are not an object")) }
        do throws(WireError) {
            return Content(fields: fields, args: args, kwargs: kwargs, embed: try TaskEmbed(embed))
        } catch {
            throw TaskMessageFlaw(.body("what is to run after it is not made of signatures"))
        }
    }

    private static func json(_ body: [UInt8]) throws(TaskMessageFlaw) -> RawJSON {
        do throws(WireError) {
            return try RawJSON(body)
        } catch {
            throw TaskMessageFlaw(.body("its body is not JSON"))
        }
    }

    /// The body as it was before it was put into the envelope.
    private func decoded(_ quoted: ArraySlice<UInt8>) throws(TaskMessageFlaw) -> [UInt8] {
        guard contentType == "application/json" else { throw TaskMessageFlaw(.contentType(contentType)) }
        let text = quoted.dropFirst().dropLast()
        var bytes: [UInt8]
        switch properties?.bodyEncoding {
        case .string("base64"):
            guard let decoded = Base64.decode(text) else { throw TaskMessageFlaw(.body("its body is not base64")) }
            bytes = decoded
        case nil, .null:
            guard let decoded = JSONString.decode(text) else {
                throw TaskMessageFlaw(.body("its body is no text"))
            }
            bytes = Array(decoded.utf8)
        case .string(let name): throw TaskMessageFlaw(.bodyEncoding(name))
        default: throw TaskMessageFlaw(.bodyEncoding("something that is no name"))
        }
        guard let compression = fields.text(.compression), !compression.isEmpty else { return bytes }
        guard compression == "application/x-gzip" else { throw TaskMessageFlaw(.compression(compression)) }
        guard let plain = Inflate.zlib(bytes, limit: TaskMessage.maximumBody) else {
            throw TaskMessageFlaw(.body("its compressed body is broken or too large"))
        }
        return plain
    }
}
