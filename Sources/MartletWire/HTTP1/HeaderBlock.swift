public import NIOCore

/// Header fields as the bytes that go on the wire, and where each one is. A field that was taken out is no longer
/// listed, though its bytes may still be there.
public struct HeaderBlock: Sendable {
    /// Field lines, each with its CRLF. Only those that `fields` lists count.
    public private(set) var bytes: ByteBuffer
    /// In the order of arrival.
    public private(set) var fields: [HeaderField]
    private var present: FieldSet

    public init() {
        self.init(bytes: ByteBuffer(), fields: [], present: [])
    }

    /// Fields whose offsets count from the first byte of `bytes`, and the set of their names.
    init(bytes: ByteBuffer, fields: [HeaderField], present: FieldSet) {
        self.bytes = bytes
        self.fields = fields
        self.present = present
    }

    // MARK: Looking up

    /// Whether there is a field of this (known) name.
    @inline(__always)
    public func contains(_ name: FieldName) -> Bool {
        present.contains(name)
    }

    /// Whether there is a field of any of these names.
    @inline(__always)
    public func containsAny(_ names: FieldSet) -> Bool {
        !present.isDisjoint(with: names)
    }

    /// The first field of this (known) name.
    public func first(_ name: FieldName) -> HeaderField? {
        guard present.contains(name) else { return nil }
        return fields.first { $0.name == name }
    }

    /// The first field of this name, in any case of letters.
    public func first(named name: String) -> HeaderField? {
        let span = bytes.readableBytesUInt8Span
        for field in fields where Characters.equalsIgnoringCase(span, field.nameRange, name) { return field }
        return nil
    }

    /// The field's value; bytes that are not UTF-8 read as U+FFFD.
    public func value(_ field: HeaderField) -> String {
        text(field.valueRange)
    }

    /// The value of the first field of this name.
    public func value(_ name: FieldName) -> String? {
        first(name).map { value($0) }
    }

    /// The value of the first field of this name, in any case of letters.
    public func value(named name: String) -> String? {
        first(named: name).map { value($0) }
    }

    /// The field's value as a slice of the block.
    public func valueBytes(_ field: HeaderField) -> ByteBuffer {
        bytes.slice(field.valueRange)
    }

    /// Whether the field's value is `word`, in any case of letters.
    public func value(_ field: HeaderField, isIgnoringCase word: String) -> Bool {
        Characters.equalsIgnoringCase(bytes.readableBytesUInt8Span, field.valueRange, word)
    }

    /// The field's name as it came.
    public func name(_ field: HeaderField) -> String {
        text(field.nameRange)
    }

    private func text(_ range: Range<Int>) -> String {
        bytes.getString(at: bytes.readerIndex + range.lowerBound, length: range.count) ?? ""
    }

    // MARK: Changing

    /// Adds a field. A name that is no token, or a value with a control character, is refused: nothing is added and
    /// the answer is false.
    @discardableResult
    public mutating func append(_ name: String, _ value: String) -> Bool {
        let start = bytes.readableBytes
        guard HTTP1Writer.field(name, value, into: &bytes) else { return false }
        let end = bytes.readableBytes
        let known = FieldName(name)
        fields.append(
            HeaderField(
                known, line: start..<end, nameEnd: start + name.utf8.count,
                value: end - 2 - value.utf8.count..<end - 2))
        present.insert(known)
        return true
    }

    /// Adds a field of a known name; refuses as the other form does, and `other` as well.
    @discardableResult
    public mutating func append(_ name: FieldName, _ value: String) -> Bool {
        append(name.text, value)
    }

    /// Adds one field of another block.
    public mutating func append(_ field: HeaderField, from other: HeaderBlock) {
        let line = Int(field.lineStart)..<Int(field.lineEnd)
        guard line.upperBound <= other.bytes.readableBytes else { return }
        let start = bytes.readableBytes
        bytes.write(other.bytes.readableBytesUInt8Span.extracting(line))
        fields.append(field.moved(to: start))
        present.insert(field.name)
    }

    /// Adds the fields of `other`, but for the names in `except` and `exceptNamed` (in any case of letters).
    public mutating func append(contentsOf other: HeaderBlock, except: FieldSet = [], exceptNamed: [String] = []) {
        let span = other.bytes.readableBytesUInt8Span
        var index = 0
        while let run = other.nextRun(from: &index, in: span, except: except, exceptNamed: exceptNamed) {
            var start = bytes.readableBytes
            bytes.write(span.extracting(run.bytes))
            for field in other.fields[run.fields] {
                fields.append(field.moved(to: start))
                present.insert(field.name)
                start += Int(field.lineEnd - field.lineStart)
            }
        }
    }

    /// Takes out every field of these (known) names.
    public mutating func remove(_ names: FieldSet) {
        guard containsAny(names) else { return }
        fields.removeAll { names.contains($0.name) }
        present = present.subtracting(names)
    }

    /// Takes out every field of this name, in any case of letters.
    public mutating func remove(named name: String) {
        let lines = bytes
        let span = lines.readableBytesUInt8Span
        fields.removeAll { Characters.equalsIgnoringCase(span, $0.nameRange, name) }
        present = []
        for field in fields { present.insert(field.name) }
    }

    public mutating func removeAll(keepingCapacity: Bool = false) {
        if keepingCapacity { bytes.clear() } else { bytes = ByteBuffer() }
        fields.removeAll(keepingCapacity: keepingCapacity)
        present = []
    }

    // MARK: Sending

    /// Writes the field lines to `buffer`, but for the names in `except` and `exceptNamed` (in any case of letters).
    /// Neighbouring lines are copied together.
    public func write(into buffer: inout ByteBuffer, except: FieldSet = [], exceptNamed: [String] = []) {
        let span = bytes.readableBytesUInt8Span
        var index = 0
        while let run = nextRun(from: &index, in: span, except: except, exceptNamed: exceptNamed) {
            buffer.write(span.extracting(run.bytes))
        }
    }

    /// The next kept fields, at or after the field `index`, whose lines touch each other.
    @inline(__always)
    private func nextRun(
        from index: inout Int, in span: Span<UInt8>, except: FieldSet, exceptNamed: [String]
    ) -> (bytes: Range<Int>, fields: Range<Int>)? {
        func isKept(_ field: HeaderField) -> Bool {
            if except.contains(field.name) { return false }
            for name in exceptNamed where Characters.equalsIgnoringCase(span, field.nameRange, name) { return false }
            return true
        }
        while index < fields.count, !isKept(fields[index]) { index += 1 }
        guard index < fields.count else { return nil }
        let firstField = index
        let start = Int(fields[index].lineStart)
        var end = Int(fields[index].lineEnd)
        index += 1
        while index < fields.count, Int(fields[index].lineStart) == end, isKept(fields[index]) {
            end = Int(fields[index].lineEnd)
            index += 1
        }
        return (start..<end, firstField..<index)
    }
}
