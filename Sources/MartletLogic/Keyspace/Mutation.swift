/// One change of the data, by its effect: a key's new value, what was pushed, when it ends. Never a question to the
/// data or the clock, so a replay in the same order gives the same data.
///
/// A change says what happened once: it is not idempotent (a push is a push). What one command changed belongs
/// together: keep the mutations of one run in one record.
public struct Mutation: Sendable, Equatable {
    public var database: Int
    /// Empty for `clear` and `swap`, which touch a whole database.
    public var key: Bytes
    public var change: Change

    public init(database: Int, key: Bytes, change: Change) {
        self.database = database
        self.key = key
        self.change = change
    }

    public enum Change: Sendable, Equatable {
        /// The key holds this string now, whatever it held before, and ends at `expiry` (milliseconds since 1970).
        case set(Bytes, expiry: Int64?)
        case append(Bytes)
        /// From the byte `at` on; what lies between the end and `at` becomes zero.
        case overwrite(at: Int, with: Bytes)
        /// The key ends at this time (milliseconds since 1970), or never.
        case expire(Int64?)
        case remove
        /// The key goes to another one of a database, with its expiry; what was there is replaced.
        case move(toDatabase: Int, key: Bytes)
        /// As `move`, but the key stays too.
        case copy(toDatabase: Int, key: Bytes)
        /// Every key of the database goes.
        case clear
        case swap(withDatabase: Int)

        /// Elements, each in its turn put at that end.
        case push([Bytes], End)
        case pop(Int, End)
        case setElement(Int, Bytes)
        /// Before the element that has this place now.
        case insertElement(Int, Bytes)
        /// So many elements equal to this value, counted from this end.
        case removeElements(Bytes, Int, End)
        /// Only `count` elements from the place `from` on stay.
        case keepElements(from: Int, count: Int)

        case setFields([Field])
        case removeFields([Bytes])

        case addMembers([Bytes])
        case removeMembers([Bytes])

        /// Members of a sorted set, new or with a new score.
        case score([Scored])
        case unscore([Bytes])
    }

    /// An end of a list.
    public enum End: UInt8, Sendable { case left, right }

    public struct Field: Sendable, Equatable {
        public var name: Bytes
        public var value: Bytes

        public init(_ name: Bytes, _ value: Bytes) {
            self.name = name
            self.value = value
        }
    }

    public struct Scored: Sendable, Equatable {
        public var member: Bytes
        /// Never NaN.
        public var score: Double

        public init(_ member: Bytes, _ score: Double) {
            self.member = member
            self.score = score
        }
    }
}
