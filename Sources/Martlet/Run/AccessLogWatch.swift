import Logging
import MartletTelemetry

/// Says once that the access log cannot be written, and once that it can again and how many lines were lost. A full
/// disk must not fill another one with lines about it.
struct AccessLogWatch {
    private var sink: LogSink?
    private var trouble: String?
    /// Lines lost, as of the last look, and as of the last one at which all was well.
    private var dropped: (before: UInt64, whenWell: UInt64) = (0, 0)

    /// To be called about once a second.
    mutating func look(at sink: LogSink?, _ logger: Logger) {
        if sink !== self.sink {
            self.sink = sink
            trouble = nil
            dropped = (0, 0)
        }
        guard let sink else { return }
        sink.retryReopen()
        let lost = sink.dropped
        // Trouble may have come and gone since the last look; or there is more than can be written.
        let now = sink.trouble ?? (lost > dropped.before ? "lines were lost" : nil)
        if let now, trouble == nil {
            logger.error("trouble with the access log", metadata: ["error": "\(now)"])
        } else if now == nil, trouble != nil {
            logger.notice("the access log is well again", metadata: ["lines_lost": "\(lost - dropped.whenWell)"])
        }
        trouble = now
        dropped.before = lost
        if now == nil { dropped.whenWell = lost }
    }
}
