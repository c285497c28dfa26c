package import NIOCore

/// A block of IP addresses as people write it: `10.0.0.0/8`, `::1/128`, or one address.
///
/// IPv4 and IPv6 are told apart, however they are written: an IPv4-mapped address (`::ffff:10.0.0.1`, what a
/// dual-stack listener sees of an IPv4 client) is that IPv4 address, and `::/0` holds no IPv4 address.
package struct AddressRange: Hashable, Sendable {
    private let base: IPBits
    private let mask: UInt128

    /// Reads `address` or `address/length`; nil for anything else. Bits beyond the length are ignored, as in nginx.
    package init?(text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let literal = parts.first, let bits = SocketAddress.literal(literal, port: 0)?.ipBits else { return nil }
        let writtenAsIPv4 = !literal.contains(":")
        let width = writtenAsIPv4 ? 32 : 128
        var length = width
        if parts.count == 2 {
            guard let number = Self.length(parts[1]), number <= width else { return nil }
            length = number
        }
        // All 128 bits are compared; an IPv4 address fills the last 32.
        let significant = writtenAsIPv4 ? length + 96 : length
        mask = significant == 0 ? 0 : ~UInt128(0) << (128 - significant)
        // A mapped prefix shorter than 96 bits reaches beyond IPv4: it is a range of IPv6 addresses.
        base = IPBits(value: bits.value & mask, isIPv4: bits.isIPv4 && significant >= 96)
    }

    /// This machine.
    package static let loopback = ["127.0.0.0/8", "::1"].compactMap { AddressRange(text: $0) }

    /// Whether the address is in the block. A Unix domain socket is in none.
    package func contains(_ address: SocketAddress) -> Bool {
        guard let bits = address.ipBits else { return false }
        return bits.isIPv4 == base.isIPv4 && bits.value & mask == base.value
    }

    private static func length(_ text: some StringProtocol) -> Int? {
        guard !text.isEmpty, text.utf8.count <= 3, text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 })
        else { return nil }
        return Int(text)
    }
}

extension SocketAddress {
    /// Whether the peer is on this machine: 127.0.0.0/8, ::1, or a Unix domain socket.
    package var isLoopback: Bool {
        guard let bits = ipBits else { return true }
        return bits.isIPv4 ? (bits.value >> 24) & 0xff == 127 : bits.value == 1
    }

    /// An IP address in its usual notation (no brackets, no zone); nil for a host name or anything else.
    package static func literal(_ text: some StringProtocol, port: Int) -> SocketAddress? {
        // Only these characters: the parser underneath would stop at a zero byte and look up a zone.
        let allowed = text.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "."), UInt8(ascii: ":"):
                true
            default: false
            }
        }
        guard allowed, 0...65_535 ~= port else { return nil }
        return try? SocketAddress(ipAddress: String(text), port: port)
    }

    /// What stands for the client behind this address: the IPv4 address, or the network (the first 64 bits) of an
    /// IPv6 one, of which a machine has as many as it likes. nil for a Unix domain socket.
    package var clientBits: UInt128? {
        ipBits.map { $0.isIPv4 ? $0.value : ($0.value >> 64) << 64 }
    }

    /// What `clientBits` stand for, as people write it: `10.0.0.1` or `2001:db8::/64`.
    package static func text(ofClient bits: UInt128) -> String {
        let isIPv4 = IPBits(value: bits).isIPv4
        let bytes = (0..<16).map { UInt8(truncatingIfNeeded: bits >> (120 - 8 * $0)) }
        let packed = ByteBuffer(bytes: isIPv4 ? bytes.suffix(4) : bytes[...])
        let address = try? SocketAddress(packedIPAddress: packed, port: 0)
        return (address?.ipAddress ?? "") + (isIPv4 ? "" : "/64")
    }

    /// The IP address as a number; nil for a Unix domain socket.
    var ipBits: IPBits? {
        switch self {
        case .v4(let address):
            // SAFETY: in a sockaddr_in, bytes 4 to 7 are the address, in network order.
            let bits = unsafe withUnsafeBytes(of: address.address) {
                unsafe $0.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
            }
            return IPBits(ipv4: UInt32(bigEndian: bits))
        case .v6(let address):
            // SAFETY: in a sockaddr_in6, bytes 8 to 23 are the address, in network order.
            let bits = unsafe withUnsafeBytes(of: address.address) {
                unsafe $0.loadUnaligned(fromByteOffset: 8, as: UInt128.self)
            }
            return IPBits(value: UInt128(bigEndian: bits))
        case .unixDomainSocket:
            return nil
        }
    }
}

/// An IP address as a number: IPv4 in the form that IPv6 maps it to (`::ffff:a.b.c.d`).
struct IPBits: Hashable, Sendable {
    var value: UInt128
    var isIPv4: Bool

    init(value: UInt128, isIPv4: Bool) {
        self.value = value
        self.isIPv4 = isIPv4
    }

    init(value: UInt128) {
        self.init(value: value, isIPv4: value >> 32 == 0xffff)
    }

    init(ipv4: UInt32) {
        self.init(value: UInt128(0xffff) << 32 | UInt128(ipv4), isIPv4: true)
    }
}

extension IPBits: Comparable {
    /// IPv4 first, then by number.
    static func < (lhs: IPBits, rhs: IPBits) -> Bool {
        lhs.isIPv4 == rhs.isIPv4 ? lhs.value < rhs.value : lhs.isIPv4
    }
}
