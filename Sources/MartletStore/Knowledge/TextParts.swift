package import Foundation

/// Parts of a text, found in one pass over its bytes.
package enum TextParts {
    /// - Parameters:
    ///   - bytes: UTF-8.
    ///   - ranges: In Unicode scalars.
    /// - Returns: the text of each range; nil: the text ends before it does.
    package static func parts(of bytes: Data, at ranges: [Range<Int>]) -> [String?] {
        let wanted = Set(ranges.flatMap { [$0.lowerBound, $0.upperBound] }).sorted()
        var places: [Int: Int] = [:]
        var (next, scalars, place) = (wanted.startIndex, 0, bytes.startIndex)
        for byte in bytes {
            if byte & 0xc0 != 0x80 {
                guard next < wanted.endIndex else { break }
                if wanted[next] == scalars {
                    places[scalars] = place
                    next += 1
                }
                scalars += 1
            }
            place += 1
        }
        if next < wanted.endIndex, wanted[next] == scalars { places[scalars] = bytes.endIndex }
        return ranges.map { range in
            guard let start = places[range.lowerBound], let end = places[range.upperBound] else { return nil }
            return String(decoding: bytes[start..<end], as: UTF8.self)
        }
    }
}
