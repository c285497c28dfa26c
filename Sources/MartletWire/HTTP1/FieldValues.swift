import MartletBase

/// Reading the values of fields that frame messages.
enum FieldValues {
    /// Content-Length: digits only, at most as many as a 64-bit number has. Nil when the number is valid but no Int
    /// holds it.
    static func contentLength(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(WireError) -> Int? {
        guard 1...20 ~= range.count, Characters.digits.containsAll(bytes, range) else {
            throw WireError(.badRequest, "invalid Content-Length")
        }
        var length: UInt64 = 0
        for index in range {
            let (product, overflow) = length.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(bytes[index] &- 0x30))
            guard !overflow, !carry else { throw WireError(.badRequest, "Content-Length out of range") }
            length = sum
        }
        return Int(exactly: length)
    }

    /// Transfer-Encoding: nothing but `chunked` is taken. A known-good list ending in it is refused as such (501);
    /// what could be read in two ways is a bad request.
    static func requireChunked(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(WireError) {
        if Characters.equalsIgnoringCase(bytes, range, "chunked") { return }
        var chunkedSeen = false
        var elements = ListElements(range)
        while let element = elements.next(in: bytes) {
            guard !element.isEmpty, Characters.token.containsAll(bytes, element), !chunkedSeen else {
                throw WireError(.badRequest, "invalid Transfer-Encoding")
            }
            chunkedSeen = Characters.equalsIgnoringCase(bytes, element, "chunked")
        }
        throw WireError(.codingNotSupported, "transfer coding other than chunked")
    }

    /// `timeout=N` of a Keep-Alive field, in seconds.
    static func keepAliveTimeout(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
        var elements = ListElements(range)
        while let element = elements.next(in: bytes) {
            guard let equals = Word.index(of: 0x3d, in: bytes, from: element.lowerBound, to: element.upperBound)
            else { continue }
            let key = Characters.trim(bytes, element.lowerBound..<equals)
            let value = Characters.trim(bytes, equals + 1..<element.upperBound)
            guard Characters.equalsIgnoringCase(bytes, key, "timeout"), 1...9 ~= value.count,
                Characters.digits.containsAll(bytes, value)
            else { continue }
            var seconds = 0
            for index in value { seconds = seconds * 10 + Int(bytes[index] &- 0x30) }
            return seconds
        }
        return nil
    }
}

/// The elements of a comma-separated list, without the blanks around them; empty ones too.
struct ListElements {
    private var position: Int
    private let end: Int

    init(_ range: Range<Int>) {
        position = range.lowerBound
        end = range.upperBound
    }

    mutating func next(in bytes: Span<UInt8>) -> Range<Int>? {
        guard position <= end else { return nil }
        let comma = Word.index(of: 0x2c, in: bytes, from: position, to: end) ?? end
        let element = Characters.trim(bytes, position..<comma)
        position = comma + 1
        return element
    }
}

/// What the Connection fields of a message say.
struct ConnectionOptions {
    private(set) var closes = false
    private(set) var keepsAlive = false
    /// Other names: fields that end at this hop.
    private var nominated: [Range<Int>] = []

    private static let maximumNominated = 16

    /// Reads every Connection field in `fields`, whose offsets count from `bytes`' first byte.
    init(_ fields: [HeaderField], of bytes: Span<UInt8>) throws(WireError) {
        for field in fields where field.name == .connection {
            var elements = ListElements(field.valueRange)
            while let element = elements.next(in: bytes) { try add(element, of: bytes) }
        }
    }

    private mutating func add(_ element: Range<Int>, of bytes: Span<UInt8>) throws(WireError) {
        if element.isEmpty { return }
        if Characters.equalsIgnoringCase(bytes, element, "close") {
            closes = true
        } else if Characters.equalsIgnoringCase(bytes, element, "keep-alive") {
            keepsAlive = true
        } else {
            guard Characters.token.containsAll(bytes, element), nominated.count < Self.maximumNominated else {
                throw WireError(.badRequest, "invalid Connection field")
            }
            nominated.append(element)
        }
    }

    /// Takes out the nominated fields; security fields stay whatever Connection says.
    func removeNominated(from fields: inout [HeaderField], present: inout FieldSet, of bytes: Span<UInt8>) {
        guard !nominated.isEmpty else { return }
        var kept: [HeaderField] = []
        kept.reserveCapacity(fields.count)
        for field in fields {
            var isNominated = false
            if !FieldSet.notNominable.contains(field.name) {
                for name in nominated where Characters.equalsIgnoringCase(bytes, field.nameRange, bytes, name) {
                    isNominated = true
                }
            }
            if !isNominated { kept.append(field) }
        }
        fields = kept
        present = []
        for field in kept { present.insert(field.name) }
    }
}
