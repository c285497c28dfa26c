import MartletBase

/// The values of a JSON text that are no arrays and no objects, each with the way to it.
public enum JSONLeaves {
    /// Reads a text of one value or of several, as JSON lines are: each of those begins its ways with its number.
    ///
    /// - Parameter onLeaf: gets the way, such as `staff[0].name`, and the value as people read it: a string without
    ///   quotes. In the text's order; empty arrays and objects have none.
    /// - Throws: `WireError` for what is no JSON, and for more than 64 levels; what `onLeaf` throws.
    public static func read(_ bytes: [UInt8], _ onLeaf: (String, String) throws -> Void) throws {
        var cursor = JSONCursor(bytes)
        guard cursor.peek() != nil else { throw WireError(.upstreamMalformed, "no JSON") }
        var first = cursor
        try first.skip()
        let isAlone = first.peek() == nil
        var number = 0
        while cursor.peek() != nil {
            try read(&cursor, isAlone ? "" : "[\(number)]", depth: 0, onLeaf)
            number += 1
        }
    }

    private static func read(
        _ cursor: inout JSONCursor, _ path: String, depth: Int, _ onLeaf: (String, String) throws -> Void
    ) throws {
        guard depth < JSONCursor.maximumDepth else { throw WireError(.upstreamMalformed, "JSON of too many levels") }
        switch cursor.peek() {
        case UInt8(ascii: "{"):
            try cursor.expect(UInt8(ascii: "{"))
            if cursor.take(UInt8(ascii: "}")) { return }
            repeat {
                let name = try cursor.string()
                try cursor.expect(UInt8(ascii: ":"))
                try read(&cursor, path.isEmpty ? name : path + "." + name, depth: depth + 1, onLeaf)
            } while cursor.take(UInt8(ascii: ","))
            try cursor.expect(UInt8(ascii: "}"))
        case UInt8(ascii: "["):
            try cursor.expect(UInt8(ascii: "["))
            if cursor.take(UInt8(ascii: "]")) { return }
            var index = 0
            repeat {
                try read(&cursor, path + "[\(index)]", depth: depth + 1, onLeaf)
                index += 1
            } while cursor.take(UInt8(ascii: ","))
            try cursor.expect(UInt8(ascii: "]"))
        default:
            let scalar = try cursor.scalar()
            if case .string(let text) = scalar.kind { try onLeaf(path, text) } else { try onLeaf(path, scalar.text) }
        }
    }
}
