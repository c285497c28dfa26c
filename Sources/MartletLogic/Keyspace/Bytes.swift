/// Bytes that a client named: a key, a field, a member, a value. Ordered as Redis orders them: byte by byte, unsigned.
public struct Bytes: Sendable, Equatable {
    public let array: [UInt8]

    public init(_ array: [UInt8] = []) { self.array = array }
    public init(_ slice: some Sequence<UInt8>) { array = Array(slice) }
    public init(_ text: some StringProtocol) { array = Array(text.utf8) }

    public var count: Int { array.count }
    public var isEmpty: Bool { array.isEmpty }

    /// The bytes as text, for messages; what is not UTF-8 is repaired.
    public var text: String { String(decoding: array, as: UTF8.self) }
}

extension Bytes: Hashable {
    public func hash(into hasher: inout Hasher) {
        // SAFETY: the pointer is read within the closure only. An array hashes byte by byte otherwise.
        unsafe array.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    }
}

extension Bytes: Comparable {
    public static func < (left: Bytes, right: Bytes) -> Bool {
        left.array.lexicographicallyPrecedes(right.array)
    }
}

extension Bytes: ExpressibleByStringLiteral, CustomStringConvertible {
    public init(stringLiteral text: String) { array = Array(text.utf8) }
    public var description: String { text }
}
