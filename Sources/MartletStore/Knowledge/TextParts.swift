/// Parts of a text, found in one pass over its bytes.
package enum TextParts {
    /// - Parameters:
    ///   - bytes: UTF-8.
    ///   - ranges: In Unicode scalars.
    /// - Returns: the text of each range; nil: the text ends before it does.
    package static func parts<Bytes: RandomAccessCollection>(
        of bytes: Bytes, at ranges: [Range<Int>]
    ) -> [String?] where Bytes.Element == UInt8 {
        let wanted = Set(ranges.flatMap { [$0.lowerBound, $0.upperBound] }).sorted()
        var places: [Int: Bytes.Index] = [:]
        var (next, scalars) = (wanted.startIndex, 0)
        for place in bytes.indices where bytes[place] & 0xc0 != 0x80 {
            guard next < wanted.endIndex else { break }
            if wanted[next] == scalars {
                places[scalars] = place
                next += 1
            }
            scalars += 1
        }
        if next < wanted.endIndex, wanted[next] == scalars { places[scalars] = bytes.endIndex }
        return ranges.map { range in
            guard let start = places[range.lowerBound], let end = places[range.upperBound] else { return nil }
            return String(decoding: bytes[start..<end], as: UTF8.self)
        }
    }
}
