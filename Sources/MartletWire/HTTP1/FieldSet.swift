/// A set of known field names, one bit each.
public struct FieldSet: Sendable, Hashable, ExpressibleByArrayLiteral {
    private var bits: UInt64 = 0

    public init() {}

    public init(_ names: FieldName...) {
        for name in names { insert(name) }
    }

    public init(arrayLiteral names: FieldName...) {
        for name in names { insert(name) }
    }

    private init(bits: UInt64) {
        self.bits = bits
    }

    public var isEmpty: Bool { bits == 0 }

    @inline(__always)
    public func contains(_ name: FieldName) -> Bool {
        (bits >> UInt64(name.rawValue)) & 1 == 1
    }

    @inline(__always)
    public mutating func insert(_ name: FieldName) {
        bits |= 1 << UInt64(name.rawValue)
    }

    public mutating func remove(_ name: FieldName) {
        bits &= ~(1 << UInt64(name.rawValue))
    }

    public func union(_ other: FieldSet) -> FieldSet { FieldSet(bits: bits | other.bits) }
    public func subtracting(_ other: FieldSet) -> FieldSet { FieldSet(bits: bits & ~other.bits) }
    public func isDisjoint(with other: FieldSet) -> Bool { bits & other.bits == 0 }

    /// Fields that speak to the next hop only (RFC 9110 §7.6.1) and are never passed on.
    public static let hopByHop: FieldSet = [
        .connection, .keepAlive, .proxyConnection, .transferEncoding, .te, .trailer, .upgrade, .http2Settings,
        .proxyAuthorization, .proxyAuthenticate,
    ]

    /// Fields that frame the message; whoever sends a message writes its own.
    public static let framing: FieldSet = [.contentLength, .transferEncoding, .expect]

    /// Fields that `Connection` may not remove: without them a request would mean something else to the next hop.
    static let notNominable: FieldSet = [
        .host, .contentLength, .transferEncoding, .contentType, .contentEncoding, .authorization, .cookie, .xAPIKey,
        .apiKey, .origin, .xForwardedFor, .xForwardedProto, .xForwardedHost, .xForwardedPort, .xRealIP, .forwarded,
        .xRequestID, .idempotencyKey,
    ]

    /// Fields of which a second one makes a request ambiguous.
    static let once: FieldSet = [
        .host, .contentLength, .transferEncoding, .contentType, .authorization, .xAPIKey, .apiKey, .expect,
    ]

    /// Fields that decide on routing, identity, framing or caching: plain ASCII only.
    static let asciiOnly: FieldSet = [
        .host, .connection, .transferEncoding, .contentLength, .te, .trailer, .upgrade, .expect, .contentType,
        .contentEncoding, .acceptEncoding, .authorization, .proxyAuthorization, .xAPIKey, .apiKey, .idempotencyKey,
        .xForwardedFor, .xForwardedProto, .xForwardedHost, .xForwardedPort, .xRealIP, .forwarded, .xRequestID,
        .xRequestTimeout, .xRequestPriority, .lastEventID, .vary, .cacheControl,
    ]
}
