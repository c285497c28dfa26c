public import NIOCore

/// Header fields as one JSON object: names in lower case, the values of equal names joined into one.
///
/// Made for each request that goes to a worker, so it stays with bytes: no string is made of what is plain ASCII.
public struct FieldObject {
    private struct Place {
        var name: Range<Int>
        var value: Range<Int>
        /// Its value was put behind that of an earlier field.
        var isJoined = false
    }

    /// The lines of all fields.
    private var bytes = ByteBuffer()
    private var places: [Place] = []

    public init() {}

    /// Adds the fields of a block but for those of the given names, `names` in lower case.
    public mutating func add(_ headers: HeaderBlock, except: FieldSet, exceptNamed names: [String]) {
        let start = bytes.readableBytes
        bytes.writeImmutableBuffer(headers.bytes)
        let lines = bytes
        let span = lines.readableBytesUInt8Span
        places.reserveCapacity(headers.fields.count + 4)
        for field in headers.fields where !except.contains(field.name) {
            let name = start + field.nameRange.lowerBound..<start + field.nameRange.upperBound
            guard !names.contains(where: { Characters.equalsIgnoringCase(span, name, $0) }) else { continue }
            places.append(
                Place(name: name, value: start + field.valueRange.lowerBound..<start + field.valueRange.upperBound))
        }
    }

    /// Adds lines of ours, `Name: value` and CRLF each.
    public mutating func add(lines: ByteBuffer) {
        var next = bytes.readableBytes
        bytes.writeImmutableBuffer(lines)
        let all = bytes
        let span = all.readableBytesUInt8Span
        while let end = Word.index(of: Characters.lineFeed, in: span, from: next, to: span.count) {
            let line = next..<max(end - 1, next)
            next = end + 1
            guard let colon = Word.index(of: 0x3a, in: span, from: line.lowerBound, to: line.upperBound) else {
                continue
            }
            places.append(
                Place(name: line.lowerBound..<colon, value: Characters.trim(span, colon + 1..<line.upperBound)))
        }
    }

    /// Writes the object.
    public func write(into buffer: inout ByteBuffer) {
        var places = places
        let span = bytes.readableBytesUInt8Span
        buffer.writeStaticString("{")
        var isFirst = true
        for index in places.indices where !places[index].isJoined {
            if !isFirst { buffer.writeStaticString(",") }
            isFirst = false
            let name = places[index].name
            buffer.writeStaticString("\"")
            for offset in name { buffer.writeInteger(Characters.lower(span[offset])) }
            buffer.writeStaticString("\":\"")
            buffer.writeJSONText(span.extracting(places[index].value))
            for later in index + 1..<places.count where Self.isSame(span, name, places[later].name) {
                places[later].isJoined = true
                buffer.writeStaticString(Self.isCookie(span, name) ? "; " : ", ")
                buffer.writeJSONText(span.extracting(places[later].value))
            }
            buffer.writeStaticString("\"")
        }
        buffer.writeStaticString("}")
    }

    private static func isSame(_ span: Span<UInt8>, _ one: Range<Int>, _ other: Range<Int>) -> Bool {
        guard one.count == other.count else { return false }
        for (left, right) in zip(one, other) where Characters.lower(span[left]) != Characters.lower(span[right]) {
            return false
        }
        return true
    }

    private static func isCookie(_ span: Span<UInt8>, _ name: Range<Int>) -> Bool {
        Characters.equalsIgnoringCase(span, name, "cookie")
    }
}
