import MartletBase
package import MartletWire

extension ResponseHead {
    /// A head of our own.
    package init(status: Int) {
        self.init(status: status, headers: HeaderBlock())
    }

    /// `Content-Type: text/event-stream`, uncompressed: its events can be told apart.
    var isEventStream: Bool {
        guard !headers.contains(.contentEncoding), let field = headers.first(.contentType) else { return false }
        if headers.value(field, isIgnoringCase: "application/json") { return false }
        return headers.value(field).lowercased().hasPrefix("text/event-stream")
    }

    /// The pause a 429 or 503 asks for; nil when it is not stated in seconds.
    package var retryAfter: Duration? {
        headers.value(.retryAfter).flatMap { Int($0) }.flatMap { (0...3600).contains($0) ? .seconds($0) : nil }
    }
}
