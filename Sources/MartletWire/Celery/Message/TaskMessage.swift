/// A task as it comes from a queue, of either version of Celery's protocol.
///
/// Read in one pass. What few ask for, such as ``headers``, is decoded when it is asked for; arguments stay as their
/// sender wrote them. A class, because it is handed on a dozen times on its way and never changes.
public final class TaskMessage: Sendable {
    /// A compressed body that would become larger than this is refused.
    public static let maximumBody = 64 << 20

    /// The message as it came.
    public let bytes: [UInt8]
    /// Where it said what is below: in its headers (two), or in its body (one).
    public let version: CeleryTask.Version
    public let id: String
    /// Such as `tasks.add`.
    public let name: String
    /// Another name for logs and monitors.
    public let shadow: String?
    /// A list.
    public let args: RawJSON
    /// An object.
    public let kwargs: RawJSON
    public let embed: TaskEmbed
    /// How often it was tried before, by its own will.
    public let retries: Int
    /// Not before this time, in milliseconds since 1970; rounded up.
    public let eta: Int64?
    /// As it was written.
    public let etaText: String?
    /// Not after this time, in milliseconds since 1970; rounded up.
    public let expires: Int64?
    /// As it was written.
    public let expiresText: String?
    /// In seconds: the task is told to end.
    public let softLimit: Double?
    /// In seconds: the task is ended.
    public let hardLimit: Double?
    /// The id of the group it is one of.
    public let group: String?
    public let groupIndex: Int?
    /// The task that everything began with.
    public let rootID: String?
    /// The task that published this one.
    public let parentID: String?
    /// nil: what the task itself is set to.
    public let ignoreResult: Bool?
    public let replyTo: String?
    public let correlationID: String?
    /// Who published it, such as `gen123@host`.
    public let origin: String?
    /// 0 is served first.
    public let priority: Int
    public let exchange: String
    public let routingKey: String
    public let deliveryTag: String
    public let isRedelivered: Bool
    public let contentType: String
    /// How the body was compressed; it is read already.
    public let compression: String?
    public let stampedHeaders: [String]
    /// The values of the stamped headers, an object.
    public let stamps: RawJSON?
    /// Why its body was not read, although whoever runs it may be able to: it has no arguments here then.
    public let bodyFlaw: TaskMessageFlaw?
    /// How deep `Task.replace` went.
    public let replacedTaskNesting: Int
    /// Whether one of ``headers`` is named `x-` something.
    public let hasExtensions: Bool

    private let givenArgsText: String?
    private let givenKwargsText: String?
    private let rawHeaders: ArraySlice<UInt8>?

    /// - Throws: what is wrong with it, in words for its sender.
    public init(_ bytes: [UInt8]) throws(TaskMessageFlaw) {
        var reader = TaskMessageReader()
        let parts = try reader.read(bytes)
        let fields = parts.fields
        self.bytes = bytes
        version = parts.task.version
        id = parts.task.id
        name = parts.task.name
        (eta, expires) = (parts.task.eta, parts.task.expires)
        (args, kwargs, embed) = (parts.args, parts.kwargs, parts.embed)
        etaText = fields.etaText
        expiresText = fields.expiresText
        shadow = fields.text(.shadow).flatMap { $0.isEmpty ? nil : $0 }
        retries = max(0, fields.integer(.retries) ?? 0)
        (hardLimit, softLimit) = fields.timeLimits
        group = fields.text(.taskset) ?? fields.text(.group)
        groupIndex = fields.integer(.groupIndex)
        rootID = fields.text(.rootID)
        parentID = fields.text(.parentID)
        ignoreResult = fields.json(.ignoreResult)?.bool
        origin = fields.text(.origin)
        compression = fields.text(.compression)
        stampedHeaders = fields.json(.stampedHeaders)?.elements?.compactMap(\.string) ?? []
        stamps = fields.json(.stamps).flatMap { $0.isObject ? $0 : nil }
        replacedTaskNesting = fields.integer(.replacedTaskNesting) ?? 0
        givenArgsText = fields.text(.argsText)
        givenKwargsText = fields.text(.kwargsText)
        let properties = parts.properties
        replyTo = properties.replyTo.flatMap(JSONString.quoted)
        correlationID = properties.correlationID.flatMap(JSONString.quoted)
        priority = properties.priority
        (deliveryTag, exchange, routingKey) = parts.address
        isRedelivered = parts.isRedelivered
        bodyFlaw = parts.bodyFlaw
        contentType = parts.contentType
        rawHeaders = parts.headers
        hasExtensions = parts.hasExtensions
    }

    /// The name for logs and monitors.
    public var title: String { shadow ?? name }

    /// The task that everything began with: this one when none is named.
    public var root: String {
        guard let rootID, !rootID.isEmpty else { return id }
        return rootID
    }

    /// The arguments as Python shows them, such as `(2, 2)`: as sent, else made here.
    public var argsText: String { givenArgsText ?? PythonRepr.text(args, isTuple: true) }

    /// The keyword arguments as Python shows them, such as `{'x': 1}`: as sent, else made here.
    public var kwargsText: String { givenKwargsText ?? PythonRepr.text(kwargs) }

    /// All headers, also those that only their sender knows; an empty object when there are none.
    public var headers: RawObject {
        rawHeaders.flatMap { try? RawJSON($0) }.flatMap { RawObject($0) } ?? RawObject()
    }

    /// An argument by its place, decoded; nil: there are fewer.
    public func argument(_ index: Int) -> JSONValue? { args.element(index)?.value }

    /// An argument by its name, decoded; nil: there is none.
    public func keyword(_ name: String) -> JSONValue? { kwargs[name]?.value }
}
