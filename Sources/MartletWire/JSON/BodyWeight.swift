public import NIOCore

/// How heavy a request is in a batch: what one member of its JSON body says.
///
/// A number weighs itself, rounded up (what is below 0: nothing); a list as many as it has elements; a string as many
/// as it has characters (Unicode scalars, as Python's `len` counts them). All else weighs 1: a body without the member
/// or that is no JSON object, and a member that is true, false, null or an object. Of two members of one name the first
/// one counts. The body is read up to the member and no further.
public struct BodyWeight: Sendable, Equatable {
    /// So much of a body is looked at, in bytes. A longer object that does not have the whole member in it weighs
    /// ``most``.
    public static let longestLook = 1 << 20
    /// No body weighs more.
    public static let most = Int(Int32.max)

    private let member: String

    /// - Parameter member: The name of a member of the outermost object.
    public init(of member: String) {
        self.member = member
    }

    /// What it weighs, from 0 to ``most``.
    public func weight(of body: ByteBuffer) -> Int {
        let seen = body.readableBytesView.prefix(Self.longestLook)
        var cursor = JSONCursor(Array(seen))
        guard cursor.take(UInt8(ascii: "{")) else { return 1 }
        do throws(WireError) {
            return try find(&cursor) ?? 1
        } catch {
            return seen.count < body.readableBytes ? Self.most : 1
        }
    }

    /// Behind the opening brace. nil: there is no such member.
    private func find(_ cursor: inout JSONCursor) throws(WireError) -> Int? {
        if cursor.take(UInt8(ascii: "}")) { return nil }
        repeat {
            let name = try cursor.string()
            try cursor.expect(UInt8(ascii: ":"))
            guard name == member else {
                try cursor.skip()
                continue
            }
            let weight = try Self.weight(of: &cursor)
            // A number at the end of what is looked at may have more digits.
            if !cursor.take(UInt8(ascii: ",")) { try cursor.expect(UInt8(ascii: "}")) }
            return weight
        } while cursor.take(UInt8(ascii: ","))
        try cursor.expect(UInt8(ascii: "}"))
        return nil
    }

    private static func weight(of cursor: inout JSONCursor) throws(WireError) -> Int {
        switch cursor.peek() {
        case UInt8(ascii: "\""):
            return JSONString.length(Array(try cursor.value().dropFirst().dropLast()))
        case UInt8(ascii: "["):
            var count = 0
            try cursor.array { (cursor) throws(WireError) in
                count += 1
                try cursor.skip()
            }
            return count
        case UInt8(ascii: "{"):
            try cursor.skip()
            return 1
        default:
            let scalar = try cursor.scalar()
            return scalar.kind == .integer || scalar.kind == .number ? whole(scalar.text) : 1
        }
    }

    private static func whole(_ text: String) -> Int {
        let number = Double(text) ?? .infinity
        return number < Double(most) ? Int(max(number, 0).rounded(.up)) : most
    }
}
