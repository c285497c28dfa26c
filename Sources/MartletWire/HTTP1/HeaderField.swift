/// Where one field lies in its block. Offsets count from the block's first byte.
public struct HeaderField: Sendable, Equatable {
    public var name: FieldName
    /// The start of the line, which is the start of the name.
    public var lineStart: UInt32
    public var nameEnd: UInt32
    /// The value, without the blanks around it.
    public var valueStart: UInt32
    public var valueEnd: UInt32
    /// The first byte after the line's CRLF.
    public var lineEnd: UInt32

    @inline(__always)
    init(_ name: FieldName, line: Range<Int>, nameEnd: Int, value: Range<Int>) {
        self.name = name
        lineStart = UInt32(truncatingIfNeeded: line.lowerBound)
        self.nameEnd = UInt32(truncatingIfNeeded: nameEnd)
        valueStart = UInt32(truncatingIfNeeded: value.lowerBound)
        valueEnd = UInt32(truncatingIfNeeded: value.upperBound)
        lineEnd = UInt32(truncatingIfNeeded: line.upperBound)
    }

    /// The same field in a block where its line starts at `start`.
    func moved(to start: Int) -> HeaderField {
        let distance = UInt32(truncatingIfNeeded: start) &- lineStart
        var field = self
        field.lineStart &+= distance
        field.nameEnd &+= distance
        field.valueStart &+= distance
        field.valueEnd &+= distance
        field.lineEnd &+= distance
        return field
    }

    @inline(__always)
    var nameRange: Range<Int> { Int(lineStart)..<Int(nameEnd) }
    @inline(__always)
    var valueRange: Range<Int> { Int(valueStart)..<Int(valueEnd) }
}
