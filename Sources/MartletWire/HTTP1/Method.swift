/// The request methods that Martlet tells apart; any other token is `other` and stays bytes.
public enum Method: UInt8, Sendable, CaseIterable {
    case other, get, head, post, put, delete, patch, options

    /// The method as it is sent; empty for `other`.
    public var text: String { word.description }

    /// `text`, for writing.
    var word: StaticString {
        switch self {
        case .other: ""
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .patch: "PATCH"
        case .options: "OPTIONS"
        }
    }

    /// Whether doing it twice is the same as doing it once (RFC 9110 §9.2.2).
    public var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options: true
        case .other, .post, .patch: false
        }
    }

    /// Methods are case-sensitive.
    init(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        guard range.count <= 8 else {
            self = .other
            return
        }
        switch Word.load(bytes, at: range.lowerBound, count: range.count) {
        case 0x54_4547: self = .get
        case 0x4441_4548: self = .head
        case 0x5453_4f50: self = .post
        case 0x54_5550: self = .put
        case 0x4554_454c_4544: self = .delete
        case 0x48_4354_4150: self = .patch
        case 0x53_4e4f_4954_504f: self = .options
        default: self = .other
        }
    }
}
