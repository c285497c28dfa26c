import MartletBase

/// How a line of the access log is put together: its constant parts, made once for each loop, in the line's order.
struct AccessLineFormat {
    private let time = Array(#"{"time":""#.utf8)
    private let id = Array(#"","request_id":"#.utf8)
    private let client = key("client")
    private let method = key("method")
    private let host = key("host")
    private let path = key("path")
    private let status = key("status")
    private let outcomes = Outcome.allCases.map { word("outcome", $0.text) }
    private let codes = ErrorCode.allCases.map { word("code", $0.text) }
    private let phases = CancelPhase.allCases.map { word("phase", $0.text) }
    private let attempts = key("attempts")
    private let bytesIn = key("bytes_in")
    private let bytesOut = key("bytes_out")
    private let duration = key("duration")
    private let firstByte = key("first_byte")
    private let queueWait = key("queue_wait")
    private let connect = key("connect")
    private let inputTokens = key("input_tokens")
    private let outputTokens = key("output_tokens")
    private let end = Array("}".utf8)

    /// The head of a line: when, who, what was asked.
    func begin(
        _ line: inout LineBuffer, at time: [UInt8], id: Span<UInt8>, client: Span<UInt8>, method: Span<UInt8>,
        host: Span<UInt8>, path: Span<UInt8>
    ) {
        line.raw(self.time)
        line.raw(time)
        line.raw(self.id)
        line.string(id, limit: 128)
        line.raw(self.client)
        line.string(client, limit: 128)
        line.raw(self.method)
        line.string(method, limit: 32)
        line.raw(self.host)
        line.string(host, limit: 256)
        line.raw(self.path)
        let query = path.indices.first { path[$0] == UInt8(ascii: "?") }
        line.string(path.extracting(first: query ?? path.count), limit: 2048)
    }

    /// The rest of a line: how it ended, who served it, what it took.
    func finish(_ line: inout LineBuffer, _ record: borrowing RequestRecord, names: [UInt8]) {
        line.raw(status)
        line.number(UInt64(record.status))
        line.raw(outcomes[Int(record.outcome.rawValue)])
        if let code = record.errorCode { line.raw(codes[Int(code.rawValue)]) }
        if let phase = record.cancelPhase { line.raw(phases[Int(phase.rawValue)]) }
        line.raw(names)
        number(&line, attempts, UInt64(record.attempts))
        number(&line, bytesIn, record.bytesIn)
        number(&line, bytesOut, record.bytesOut)
        seconds(&line, duration, record.durationNanoseconds)
        seconds(&line, firstByte, record.firstByteNanoseconds)
        seconds(&line, queueWait, record.queueWaitNanoseconds)
        seconds(&line, connect, record.connectNanoseconds)
        number(&line, inputTokens, record.inputTokens)
        number(&line, outputTokens, record.outputTokens)
        line.raw(end)
        line.endLine()
    }

    private func number(_ line: inout LineBuffer, _ key: [UInt8], _ value: UInt64?) {
        guard let value else { return }
        line.raw(key)
        line.number(value)
    }

    private func seconds(_ line: inout LineBuffer, _ key: [UInt8], _ nanoseconds: UInt64?) {
        guard let nanoseconds else { return }
        line.raw(key)
        line.seconds(nanoseconds)
    }

    private static func key(_ name: String) -> [UInt8] {
        Array(",\"\(name)\":".utf8)
    }

    private static func word(_ name: String, _ value: String) -> [UInt8] {
        Array(",\"\(name)\":\"\(value)\"".utf8)
    }
}
