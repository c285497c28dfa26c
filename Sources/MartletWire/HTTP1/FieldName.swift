/// The field names that Martlet reads, writes or treats apart. Every other name is `other` and stays bytes.
///
/// At most 64, so that a set of them is one word; at most 24 bytes long, so that a name is three.
public enum FieldName: UInt8, CaseIterable, Sendable {
    case other
    case host, connection, keepAlive, proxyConnection, transferEncoding, contentLength, te, trailer, upgrade, expect
    case http2Settings, contentType, contentEncoding, accept, acceptEncoding, acceptLanguage, userAgent, origin
    case referer, range, cookie, setCookie, authorization, proxyAuthorization, proxyAuthenticate, wwwAuthenticate
    case xAPIKey, apiKey, idempotencyKey, xForwardedFor, xForwardedProto, xForwardedHost, xForwardedPort, xRealIP
    case forwarded, via, xRequestID, xRequestTimeout, xRequestPriority, lastEventID, traceparent, tracestate, date
    case server, location, cacheControl, pragma, etag, lastModified, ifNoneMatch, ifModifiedSince, vary, age
    case expires, retryAfter, xAccelBuffering, xShouldRetry, prefer

    /// The name as Martlet writes it; empty for `other`.
    public var text: String {
        switch self {
        case .other: ""
        case .host: "Host"
        case .connection: "Connection"
        case .keepAlive: "Keep-Alive"
        case .proxyConnection: "Proxy-Connection"
        case .transferEncoding: "Transfer-Encoding"
        case .contentLength: "Content-Length"
        case .te: "TE"
        case .trailer: "Trailer"
        case .upgrade: "Upgrade"
        case .expect: "Expect"
        case .http2Settings: "HTTP2-Settings"
        case .contentType: "Content-Type"
        case .contentEncoding: "Content-Encoding"
        case .accept: "Accept"
        case .acceptEncoding: "Accept-Encoding"
        case .acceptLanguage: "Accept-Language"
        case .userAgent: "User-Agent"
        case .origin: "Origin"
        case .referer: "Referer"
        case .range: "Range"
        case .cookie: "Cookie"
        case .setCookie: "Set-Cookie"
        case .authorization: "Authorization"
        case .proxyAuthorization: "Proxy-Authorization"
        case .proxyAuthenticate: "Proxy-Authenticate"
        case .wwwAuthenticate: "WWW-Authenticate"
        case .xAPIKey: "X-Api-Key"
        case .apiKey: "Api-Key"
        case .idempotencyKey: "Idempotency-Key"
        case .xForwardedFor: "X-Forwarded-For"
        case .xForwardedProto: "X-Forwarded-Proto"
        case .xForwardedHost: "X-Forwarded-Host"
        case .xForwardedPort: "X-Forwarded-Port"
        case .xRealIP: "X-Real-IP"
        case .forwarded: "Forwarded"
        case .via: "Via"
        case .xRequestID: "X-Request-Id"
        case .xRequestTimeout: "X-Request-Timeout"
        case .xRequestPriority: "X-Request-Priority"
        case .lastEventID: "Last-Event-ID"
        case .traceparent: "Traceparent"
        case .tracestate: "Tracestate"
        case .date: "Date"
        case .server: "Server"
        case .location: "Location"
        case .cacheControl: "Cache-Control"
        case .pragma: "Pragma"
        case .etag: "ETag"
        case .lastModified: "Last-Modified"
        case .ifNoneMatch: "If-None-Match"
        case .ifModifiedSince: "If-Modified-Since"
        case .vary: "Vary"
        case .age: "Age"
        case .expires: "Expires"
        case .retryAfter: "Retry-After"
        case .xAccelBuffering: "X-Accel-Buffering"
        case .xShouldRetry: "X-Should-Retry"
        case .prefer: "Prefer"
        }
    }

    /// The name that `text` spells, in any case; `other` when it is none of these.
    public init(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        self = FieldNameTable.shared.name(bytes.span, 0..<bytes.count)
    }
}
