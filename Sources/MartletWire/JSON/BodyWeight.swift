public import NIOCore

/// How heavy a request is in a batch: what one member of its JSON body says.
///
/// A number weighs itself, rounded up (what is below 0: nothing); a list as many as it has elements; a string as many
/// as it has characters (Unicode scalars, as Python's `len` counts them). A member that is true, false, null or an
/// object weighs 1. Of several members of one name the last one counts, as for Python's `json`.
///
/// A client must not be lighter than what a worker reads of its body. So what may be an object that a worker reads
/// otherwise weighs ``most``: one that cannot be followed to its end, and what begins like JSON in another encoding
/// than plain UTF-8, with a byte order mark or with a zero among its first two bytes. What is no object for anybody
/// weighs 1 (lists and other values, forms, images), and so does an object without the member.
public struct BodyWeight: Sendable, Equatable {
    /// So much of a body is looked at, in bytes. Of a longer one the last member that ends within it counts; an object
    /// that has none there weighs ``most``.
    public static let longestLook = 1 << 20
    /// No body weighs more.
    public static let most = Int(Int32.max)

    private static let byteOrderMarks: [[UInt8]] = [[0xef, 0xbb, 0xbf], [0xfe, 0xff], [0xff, 0xfe]]

    private let member: String

    /// - Parameter member: The name of a member of the outermost object.
    public init(of member: String) {
        self.member = member
    }

    /// What it weighs, from 0 to ``most``.
    public func weight(of body: ByteBuffer) -> Int {
        let seen = Array(body.readableBytesView.prefix(Self.longestLook))
        if Self.isEncodedOtherwise(seen) { return Self.most }
        let isLonger = seen.count < body.readableBytes
        var cursor = JSONCursor(seen)
        guard let first = cursor.peek() else { return isLonger ? Self.most : 1 }
        guard first == UInt8(ascii: "{") else { return 1 }
        var found: Int?
        do throws(WireError) {
            try cursor.object { (name, cursor) throws(WireError) in
                // Not `==`, for which an accent may be a character of its own.
                guard name.utf8.elementsEqual(member.utf8) else { return try cursor.skip() }
                found = nil
                let weight = try Self.weight(of: &cursor)
                // A number at the end of what is looked at may have more digits.
                if !cursor.isAtEnd { found = weight }
            }
            try cursor.expectEnd()
            return found ?? 1
        } catch {
            return isLonger && cursor.isAtEnd ? found ?? Self.most : Self.most
        }
    }

    private static func isEncodedOtherwise(_ bytes: [UInt8]) -> Bool {
        bytes.prefix(2).contains(0) || byteOrderMarks.contains { bytes.starts(with: $0) }
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
