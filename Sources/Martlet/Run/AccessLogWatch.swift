import Logging
import MartletTelemetry

/// Says once that the access log cannot be written, and once that it can again. A full disk must not fill another one
/// with lines about it; how many lines were lost is in the metrics.
struct AccessLogWatch {
    private var sink: LogSink?
    private var trouble: String?
    private var droppedBefore: UInt64 = 0

    /// To be called about once a second.
    mutating func look(at sink: LogSink?, _ logger: Logger) {
        if sink !== self.sink {
            self.sink = sink
            trouble = nil
        }
        guard let sink else { return }
        sink.retryReopen()
        let now = sink.trouble
        defer { trouble = now }
        if let now, trouble == nil {
            droppedBefore = sink.dropped
            logger.error("trouble with the access log", metadata: ["error": "\(now)"])
        } else if now == nil, trouble != nil {
            logger.notice("the access log is well again", metadata: ["lines_lost": "\(sink.dropped - droppedBefore)"])
        }
    }
}
