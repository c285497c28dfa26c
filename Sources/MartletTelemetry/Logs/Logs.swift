import Glibc
package import Logging

/// The server's own log, beside the access log: one line for each event, on standard error unless a file is named.
package enum Logs {
    package enum Format: String, CaseIterable, Sendable {
        case json
        /// For a person at a terminal.
        case human

        /// Human lines when standard error is a terminal, else JSON.
        package static var automatic: Format {
            isatty(STDERR_FILENO) == 1 ? .human : .json
        }
    }

    /// Sends every `Logger` of the process to `sink`. Once, first thing in `main`: swift-log refuses a second time.
    package static func bootstrap(to sink: LogSink, format: Format = .automatic, level: Logger.Level = .info) {
        LoggingSystem.bootstrap { label in
            LineLogHandler(label: label, sink: sink, format: format, level: level)
        }
    }

    /// A logger that needs no bootstrap.
    package static func logger(
        _ label: String, to sink: LogSink, format: Format = .automatic, level: Logger.Level = .info
    ) -> Logger {
        Logger(label: label) { LineLogHandler(label: $0, sink: sink, format: format, level: level) }
    }
}

/// Writes events as lines of one format. A value, as swift-log asks: each logger has its own level and metadata.
struct LineLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let sink: LogSink
    private let format: Logs.Format

    init(label: String, sink: LogSink, format: Logs.Format, level: Logger.Level) {
        self.label = label
        self.sink = sink
        self.format = format
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let time = WallTime.now()
        switch format {
        case .json: sink.offer(json(event, at: time), lines: 1)
        case .human: sink.offer(human(event, at: time), lines: 1)
        }
    }

    func json(_ event: LogEvent, at time: WallTime) -> [UInt8] {
        var line = LineBuffer(capacity: 512)
        line.raw(#"{"time":""#)
        line.raw(time.text)
        line.raw(#"","level":"#)
        line.string(event.level.rawValue)
        line.raw(#","logger":"#)
        line.string(label)
        line.raw(#","message":"#)
        line.string(event.message.description)
        for (key, value) in fields(of: event) {
            line.raw(",")
            line.string(key)
            line.raw(":")
            line.string(value)
        }
        line.raw("}")
        line.endLine()
        return line.take()
    }

    func human(_ event: LogEvent, at time: WallTime) -> [UInt8] {
        var words = ["\(time.text.dropFirst(11).dropLast())", event.level.rawValue.padded(to: 7)]
        words.append(Self.onOneLine(event.message.description))
        words += fields(of: event).map { "\($0)=\(Self.onOneLine($1))" }
        return Array((words.joined(separator: " ") + "\n").utf8)
    }

    /// All metadata of an event, in the order of the keys. The event's own wins.
    private func fields(of event: LogEvent) -> [(String, String)] {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
        if let own = event.metadata { all.merge(own) { $1 } }
        if let error = event.error { all[LogKey.cause.rawValue] = "\(error)" }
        return all.sorted { $0.key < $1.key }.map { ($0.key, $0.value.description) }
    }

    /// Control characters from outside must not forge lines or move a terminal's cursor.
    private static func onOneLine(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return text.unicodeScalars.map { isControl($0) ? $0.escaped(asASCII: true) : "\($0)" }.joined()
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
