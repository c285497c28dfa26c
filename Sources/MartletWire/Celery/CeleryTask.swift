import MartletBase

/// What a message says about the task in it, as far as a broker must know.
public struct CeleryTask: Sendable, Equatable {
    /// Where the message says it: in its headers (two), or in its body (one).
    public enum Version: UInt8, Sendable {
        case one = 1
        case two
    }

    public var version: Version
    public var id: String
    /// Such as `tasks.add`.
    public var name: String
    /// Not before this time, in milliseconds since 1970; rounded up.
    public var eta: Int64?
    /// Not after this time, in milliseconds since 1970; rounded up.
    public var expires: Int64?

    public init(version: Version, id: String, name: String, eta: Int64? = nil, expires: Int64? = nil) {
        self.version = version
        self.id = id
        self.name = name
        self.eta = eta
        self.expires = expires
    }

    /// Reads a body of the first version: `{"task":…,"id":…,"eta":…}`. nil: it is no task at all.
    static func body(_ bytes: [UInt8]) throws(CeleryFlaw) -> CeleryTask? {
        var cursor = JSONCursor(bytes)
        guard cursor.peek() == UInt8(ascii: "{") else { return nil }
        var reader = CeleryTaskReader()
        var isTimeLocal = false
        do throws(WireError) {
            try cursor.members { name, cursor throws(WireError) in
                if cursor.spells("utc", at: name) {
                    isTimeLocal = try cursor.scalar().kind == .bool(false)
                } else {
                    guard try reader.take(name, &cursor) else { return try cursor.skip() }
                }
            }
        } catch {
            return nil
        }
        guard reader.hasName else { return nil }
        var task = try reader.task(.one)
        // The clock of a producer that we do not know: its worker can tell the time, we cannot.
        if isTimeLocal { (task.eta, task.expires) = (nil, nil) }
        return task
    }
}

/// Collects the members that describe a task, which are named alike in both versions.
struct CeleryTaskReader {
    private var name: JSONScalar.Kind?
    private var id: JSONScalar.Kind?
    private(set) var eta: JSONScalar.Kind?
    private(set) var expires: JSONScalar.Kind?

    var hasName: Bool { name != nil && name != .null }

    /// Takes the value when `member`, where a name is, is one of ours.
    mutating func take(_ member: Range<Int>, _ cursor: inout JSONCursor) throws(WireError) -> Bool {
        switch member.count {
        case 2 where cursor.spells("id", at: member): id = try cursor.kind()
        case 3 where cursor.spells("eta", at: member): eta = try cursor.kind()
        case 4 where cursor.spells("task", at: member): name = try cursor.kind()
        case 7 where cursor.spells("expires", at: member): expires = try cursor.kind()
        default: return false
        }
        return true
    }

    func task(_ version: CeleryTask.Version) throws(CeleryFlaw) -> CeleryTask {
        guard case .string(let name) = name, !name.isEmpty else { throw .noTaskName }
        guard case .string(let id) = id, !id.isEmpty else { throw .noTaskID }
        return CeleryTask(
            version: version, id: id, name: name, eta: try time(eta, or: .badETA),
            expires: try time(expires, or: .badExpiry))
    }

    /// Numbers are let through: workers read them, as seconds that we cannot date.
    private func time(_ value: JSONScalar.Kind?, or flaw: CeleryFlaw) throws(CeleryFlaw) -> Int64? {
        guard case .string(let text) = value else { return nil }
        guard let time = CeleryTime.milliseconds(text) else { throw flaw }
        return time
    }
}

extension JSONCursor {
    /// Reads `{…}`: `value` must take the value of each name. Of a name it is told where it stands, without its quotes:
    /// nothing is allocated or retained for it.
    mutating func members(
        _ value: (Range<Int>, inout JSONCursor) throws(WireError) -> Void
    ) throws(WireError) {
        try expect(UInt8(ascii: "{"))
        if take(UInt8(ascii: "}")) { return }
        repeat {
            guard peek() == UInt8(ascii: "\"") else { throw WireError(.invalidBody, "a member without a name") }
            let name = try stringRange()
            try expect(UInt8(ascii: ":"))
            try value(name, &self)
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"))
    }

    /// Takes any value; nil of an array and an object.
    mutating func kind() throws(WireError) -> JSONScalar.Kind? {
        switch peek() {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            try skip()
            return nil
        default: return try scalar().kind
        }
    }
}
