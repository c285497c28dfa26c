/// FNV-1a, 64 bits: a hash that is the same in every process, computed as the bytes come. Says whether two texts are
/// the same, not who made them.
public struct FNV1a: Sendable {
    @usableFromInline var hash: UInt64 = 0xcbf2_9ce4_8422_2325

    @inlinable
    public init() {}

    @inlinable
    public var value: UInt64 { hash }

    @inlinable
    public mutating func add(_ byte: UInt8) {
        hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
    }

    public static func of(_ text: some StringProtocol) -> UInt64 {
        var hash = FNV1a()
        for byte in text.utf8 { hash.add(byte) }
        return hash.value
    }
}
