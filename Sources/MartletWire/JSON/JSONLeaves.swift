import MartletBase

/// The values of a JSON text that are no arrays and no objects, each with the way to it.
public enum JSONLeaves {
    /// Reads a text of one value or of several, as JSON lines are: each of those begins its ways with its number.
    ///
    /// - Parameters:
    ///   - onContainer: is called with each array and object, the empty ones included: the time for a word against it.
    ///   - onLeaf: gets the way, such as `staff[0].name`, and the value as people read it: a string without quotes.
    ///     In the text's order; empty arrays and objects have none. A way has about 1,024 bytes: a step that is longer
    ///     than what is left of them is `…`.
    /// - Throws: `WireError` for what is no JSON, and for more than 64 levels; what the closures throw.
    public static func read(
        _ bytes: [UInt8], onContainer: () throws -> Void = {}, _ onLeaf: (String, String) throws -> Void
    ) throws {
        var cursor = JSONCursor(bytes)
        guard cursor.peek() != nil else { throw WireError(.upstreamMalformed, "no JSON") }
        var first = cursor
        try first.skip()
        let isAlone = first.peek() == nil
        var (way, number) = (Way(), 0)
        while cursor.peek() != nil {
            let start = isAlone ? nil : way.enter("[\(number)]")
            try read(&cursor, &way, depth: 0, onContainer, onLeaf)
            if let start { way.leave(start) }
            number += 1
        }
    }

    private static func read(
        _ cursor: inout JSONCursor, _ way: inout Way, depth: Int, _ onContainer: () throws -> Void,
        _ onLeaf: (String, String) throws -> Void
    ) throws {
        guard depth < JSONCursor.maximumDepth else { throw WireError(.upstreamMalformed, "JSON of too many levels") }
        switch cursor.peek() {
        case UInt8(ascii: "{"):
            try onContainer()
            try cursor.expect(UInt8(ascii: "{"))
            if cursor.take(UInt8(ascii: "}")) { return }
            repeat {
                let start = way.enter(try cursor.string(), isName: true)
                try cursor.expect(UInt8(ascii: ":"))
                try read(&cursor, &way, depth: depth + 1, onContainer, onLeaf)
                way.leave(start)
            } while cursor.take(UInt8(ascii: ","))
            try cursor.expect(UInt8(ascii: "}"))
        case UInt8(ascii: "["):
            try onContainer()
            try cursor.expect(UInt8(ascii: "["))
            if cursor.take(UInt8(ascii: "]")) { return }
            var index = 0
            repeat {
                let start = way.enter("[\(index)]")
                try read(&cursor, &way, depth: depth + 1, onContainer, onLeaf)
                way.leave(start)
                index += 1
            } while cursor.take(UInt8(ascii: ","))
            try cursor.expect(UInt8(ascii: "]"))
        default:
            let scalar = try cursor.scalar()
            if case .string(let text) = scalar.kind {
                try onLeaf(way.text, text)
            } else {
                try onLeaf(way.text, scalar.text)
            }
        }
    }
}

/// The way to a value. Its steps are written and taken back in place: what has no leaf costs no copy of the way.
private struct Way {
    private static let mostBytes = 1024

    private var bytes: [UInt8] = []

    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// - Returns: What ``leave(_:)`` is to be given.
    mutating func enter(_ step: String, isName: Bool = false) -> Int {
        let start = bytes.count
        let room = Self.mostBytes - start
        guard room > 0 else { return start }
        if isName, start > 0 { bytes.append(UInt8(ascii: ".")) }
        bytes += (step.utf8.count < room ? step : "…").utf8
        return start
    }

    mutating func leave(_ start: Int) { bytes.removeSubrange(start...) }
}
