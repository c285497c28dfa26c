import Foundation
package import MartletBase
package import MartletWire

/// A task that somebody hands in, as `POST /tasks` has it.
package struct TaskSubmission: Sendable, Equatable {
    /// What asks a route of this server, and gives its answer as the result.
    package static let requestTask = "martlet.request"
    /// Headers of messages.
    package enum Header {
        /// Tasks of one key share its turn and its bound.
        package static let key = "x-key"
        package static let keyConcurrency = "x-key-concurrency"
        package static let unique = "x-unique"
        package static let maxRetries = "x-max-retries"
        package static let webhook = "x-webhook"
    }

    package var id: String?
    /// Such as `tasks.add`.
    package var name: String
    package var arguments: [JSONValue] = []
    package var keywordArguments: [String: JSONValue] = [:]
    /// nil: the desk's own.
    package var queue: String?
    /// 0 is served first, 9 last.
    package var priority = 0
    /// In milliseconds since 1970; nil: at once.
    package var eta: Int64?
    /// In milliseconds since 1970; nil: never.
    package var expires: Int64?
    package var key: String?
    /// So many tasks of its key run at a time, in all workers; nil: any number.
    package var keyConcurrency: Int?
    /// A second submission with the same one is the first one.
    package var idempotencyKey: String?
    package var unique: String?
    package var maxRetries: Int?
    /// More headers of the message.
    package var headers: [String: JSONValue] = [:]
    package var webhook: String?

    package init(name: String) {
        self.name = name
    }
}

extension TaskSubmission {
    private static let members: Set = [
        "id", "task", "name", "route", "method", "headers", "body", "args", "kwargs", "queue", "priority", "eta",
        "countdown", "expires", "key", "key_concurrency", "idempotency_key", "unique", "max_retries", "webhook",
    ]

    /// Reads the body of `POST /tasks`.
    ///
    /// - Parameter now: In milliseconds since 1970.
    /// - Throws: `invalid_body`, and which member is wrong.
    package init(_ body: JSONValue, now: Int64) throws(MartletError) {
        guard case .object(let members) = body else { throw Self.wrong("the body is no JSON object") }
        if let unknown = members.keys.sorted().first(where: { !Self.members.contains($0) }) {
            throw Self.wrong("`\(unknown.prefix(64))` is not known here")
        }
        let (named, alias) = (try Self.text(members, "task"), try Self.text(members, "name"))
        let route = try Self.text(members, "route")
        switch (named ?? alias, route) {
        case (let name?, nil):
            self.init(name: name)
            try readArguments(members)
            headers = try Self.object(members, "headers") ?? [:]
            for taken in ["task", "id"] where headers[taken] != nil {
                throw Self.wrong("`headers.\(taken)` is not said there, but by `\(taken)`")
            }
        case (nil, let route?):
            self.init(name: Self.requestTask)
            try readRequest(route, members)
        default: throw Self.wrong("say either `task`, a name, or `route`, a path of this server")
        }
        guard TaskName.isValid(name) else { throw Self.wrong("`task` is no name of up to 255 characters") }
        id = try Self.text(members, "id")
        if let id, !TaskName.isValid(id) { throw Self.wrong("`id` is no name of up to 255 characters") }
        queue = try Self.text(members, "queue")
        if let queue, !TaskName.isValid(queue) { throw Self.wrong("`queue` is no name of up to 255 characters") }
        if let queue, !TaskName.isQueue(queue) { throw Self.wrong("`queue` is a name that the broker uses itself") }
        try readTimes(members, now: now)
        priority = try Self.integer(members, "priority", in: 0...9) ?? 0
        maxRetries = try Self.integer(members, "max_retries", in: 0...1_000_000)
        key = try Self.short(members, "key")
        keyConcurrency = try Self.integer(members, "key_concurrency", in: 1...1_000_000)
        if keyConcurrency != nil, key == nil { throw Self.wrong("`key_concurrency` goes with `key`") }
        idempotencyKey = try Self.short(members, "idempotency_key")
        unique = try Self.short(members, "unique")
        webhook = try Self.text(members, "webhook")
    }

    private mutating func readArguments(_ members: [String: JSONValue]) throws(MartletError) {
        switch members["args"] {
        case nil, .null?: break
        case .array(let values)?: arguments = values
        default: throw Self.wrong("`args` is no array")
        }
        keywordArguments = try Self.object(members, "kwargs") ?? [:]
        for member in ["method", "body"] where members[member] != nil {
            throw Self.wrong("`\(member)` goes with `route`")
        }
    }

    private mutating func readRequest(_ route: String, _ members: [String: JSONValue]) throws(MartletError) {
        guard route.hasPrefix("/"), route.utf8.count <= 4096, route.utf8.allSatisfy({ 0x21...0x7e ~= $0 }) else {
            throw Self.wrong("`route` is no path of this server, such as /v1/chat/completions")
        }
        for member in ["args", "kwargs"] where members[member] != nil {
            throw Self.wrong("`\(member)` goes with `task`; a route has a `body`")
        }
        let method = try Self.text(members, "method") ?? "POST"
        guard ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(method) else {
            throw Self.wrong("`method` is none of GET, POST, PUT, PATCH, DELETE")
        }
        keywordArguments = ["method": .string(method), "path": .string(route)]
        let fields = try Self.object(members, "headers") ?? [:]
        for (name, value) in fields {
            guard case .string = value else { throw Self.wrong("`headers.\(name.prefix(64))` is no text") }
        }
        keywordArguments["headers"] = .object(fields)
        if let body = members["body"] { keywordArguments["body"] = body }
    }

    private mutating func readTimes(_ members: [String: JSONValue], now: Int64) throws(MartletError) {
        let countdown = try Self.seconds(members, "countdown")
        eta = try Self.time(members, "eta")
        if let countdown {
            guard eta == nil else { throw Self.wrong("say `eta` or `countdown`, not both") }
            guard countdown >= 0 else { throw Self.wrong("`countdown` is less than 0") }
            eta = countdown == 0 ? nil : now + Int64(countdown * 1000)
        }
        if case .string? = members["expires"] {
            expires = try Self.time(members, "expires")
        } else if let seconds = try Self.seconds(members, "expires") {
            expires = now + Int64(seconds * 1000)
        }
        if let expires, expires <= max(now, eta ?? now) { throw Self.wrong("`expires` comes before the task can run") }
    }

    // MARK: Members

    private static func wrong(_ cause: String) -> MartletError { MartletError(.invalidBody, cause: cause) }

    private static func text(_ members: [String: JSONValue], _ name: String) throws(MartletError) -> String? {
        switch members[name] {
        case nil, .null?: return nil
        case .string(let text)?: return text
        default: throw wrong("`\(name)` is no text")
        }
    }

    private static func short(_ members: [String: JSONValue], _ name: String) throws(MartletError) -> String? {
        guard let text = try text(members, name) else { return nil }
        guard TaskName.isValid(text) else { throw wrong("`\(name)` is not a text of 1 to 255 characters") }
        return text
    }

    private static func object(
        _ members: [String: JSONValue], _ name: String
    ) throws(MartletError) -> [String: JSONValue]? {
        switch members[name] {
        case nil, .null?: return nil
        case .object(let object)?: return object
        default: throw wrong("`\(name)` is no object")
        }
    }

    private static func integer(
        _ members: [String: JSONValue], _ name: String, in range: ClosedRange<Int64>
    ) throws(MartletError) -> Int? {
        switch members[name] {
        case nil, .null?: return nil
        case .integer(let number)? where range.contains(number): return Int(number)
        default: throw wrong("`\(name)` is no whole number from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    /// Up to ten years.
    private static func seconds(_ members: [String: JSONValue], _ name: String) throws(MartletError) -> Double? {
        let bound = 10.0 * 366 * 86_400
        switch members[name] {
        case nil, .null?: return nil
        case .integer(let number)? where Double(number).magnitude <= bound: return Double(number)
        case .number(let number)? where number.magnitude <= bound: return number
        default: throw wrong("`\(name)` is no number of seconds")
        }
    }

    private static func time(_ members: [String: JSONValue], _ name: String) throws(MartletError) -> Int64? {
        guard let text = try text(members, name) else { return nil }
        guard let time = CeleryTime.milliseconds(text) else {
            throw wrong("`\(name)` is no time such as 2026-11-21T01:31:42Z")
        }
        return time
    }
}
