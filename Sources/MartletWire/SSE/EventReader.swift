import MartletBase
public import NIOCore

/// Reads server-sent events as a client does, however they are cut (HTML, §9.2.6). Comments are left out.
public struct EventReader: Sendable {
    public struct Event: Sendable, Equatable {
        /// "": it has none.
        public var name: String
        /// Its lines, with a line feed between two.
        public var data: String

        public init(name: String, data: String) {
            (self.name, self.data) = (name, data)
        }
    }

    /// Bytes of one event.
    private let bound: Int
    private var line: [UInt8] = []
    private var name = ""
    private var data: [String] = []
    private var dataBytes = 0
    /// A line feed that comes next belongs to the end before it.
    private var isAfterReturn = false

    public init(bound: Int = 16 << 20) {
        self.bound = bound
    }

    /// The events that these bytes complete.
    ///
    /// - Throws: `upstreamMalformed`: one is longer than it may be.
    public mutating func read(_ bytes: ByteBuffer) throws(WireError) -> [Event] {
        var events: [Event] = []
        for byte in bytes.readableBytesView {
            let isFeedOfReturn = isAfterReturn && byte == Characters.lineFeed
            isAfterReturn = byte == Characters.carriageReturn
            if isFeedOfReturn { continue }
            if byte == Characters.lineFeed || byte == Characters.carriageReturn {
                if let event = endOfLine() { events.append(event) }
            } else {
                line.append(byte)
                guard line.count + dataBytes <= bound else {
                    throw WireError(.upstreamMalformed, "an event is longer than it may be")
                }
            }
        }
        return events
    }

    private mutating func endOfLine() -> Event? {
        defer { line.removeAll(keepingCapacity: true) }
        guard !line.isEmpty else {
            defer { (name, data, dataBytes) = ("", [], 0) }
            return data.isEmpty ? nil : Event(name: name, data: data.joined(separator: "\n"))
        }
        let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        var value = parts.count > 1 ? parts[1] : []
        if value.first == Characters.space { value.removeFirst() }
        let text = String(decoding: value, as: UTF8.self)
        switch String(decoding: parts[0], as: UTF8.self) {
        case "event": name = text
        case "data":
            data.append(text)
            dataBytes += value.count
        default: break
        }
        return nil
    }
}
