import MartletBase

/// The access log of one event loop: a line of JSON for each request, into a buffer of the loop's own, handed to the
/// ``LogSink`` when it is full enough and at every `flush()`. Nothing here waits.
///
/// A line holds no bodies, no header values but `Host`, and no query strings: secrets travel in them.
package final class AccessLog {
    /// Bytes after which a buffer is handed over without being asked.
    private static let handOver = 32 << 10
    private static let maximumNames = 1024

    package let sink: LogSink
    private let labels: LabelRegistry
    private var buffer = LineBuffer(capacity: 64 << 10)
    private var clock = WallTimeText()
    /// The part of a line that names route, pool, target and model, as it was written last.
    private var names: [Names: [UInt8]] = [:]
    private let format = AccessLineFormat()

    private struct Names: Hashable {
        var route: UInt16
        var pool: UInt16
        var model: UInt16
        var target: TargetID?
    }

    package init(sink: LogSink, labels: LabelRegistry) {
        self.sink = sink
        self.labels = labels
    }

    /// Writes the line of a request that ended. Health checks are left out.
    /// - Parameters:
    ///   - id: the request's id, as sent in `X-Request-Id`.
    ///   - client: the client's address, a trusted proxy's word taken into account.
    ///   - path: the request target; what follows `?` is not written.
    package func append(
        _ record: borrowing RequestRecord, at time: WallTime = .now(), id: Span<UInt8>, client: Span<UInt8>,
        method: Span<UInt8>, host: Span<UInt8>, path: Span<UInt8>
    ) {
        guard !record.isHealth else { return }
        format.begin(
            &buffer, at: clock.text(of: time), id: id, client: client, method: method, host: host, path: path)
        format.finish(&buffer, record, names: namesPart(record))
        if buffer.count >= Self.handOver { flush() }
    }

    /// Hands over what there is. The owner calls this about once a second, so that a quiet server's lines appear too.
    package func flush() {
        guard buffer.count > 0 else { return }
        let lines = buffer.lines
        sink.offer(buffer.take(), lines: lines)
        // Names are looked up again: a target's version may have changed, and targets come and go.
        names.removeAll(keepingCapacity: true)
    }

    private func namesPart(_ record: borrowing RequestRecord) -> [UInt8] {
        let key = Names(route: record.route, pool: record.pool, model: record.model, target: record.target)
        if let known = names[key] { return known }
        let target = key.target.flatMap(labels.target)
        var part = LineBuffer(capacity: 256)
        let fields = [
            ("route", labels.name(key.route, in: .route)), ("pool", labels.name(key.pool, in: .pool)),
            ("model", labels.name(key.model, in: .model)), ("target", target?.url ?? ""),
            ("version", target?.version ?? ""),
        ]
        for (name, value) in fields where !value.isEmpty {
            part.raw(",\"\(name)\":")
            part.string(value)
        }
        let bytes = part.take()
        if names.count >= Self.maximumNames { names.removeAll(keepingCapacity: true) }
        names[key] = bytes
        return bytes
    }
}

@available(*, unavailable)
extension AccessLog: Sendable {}
