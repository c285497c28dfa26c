import Foundation

/// Reads what a model's files hold, number by number; every place is checked.
struct ModelFile: Sendable {
    /// Why a file is not what it should be.
    struct Flaw: Error, Equatable {
        var reason: String
    }

    let data: Data

    /// A file of at most `limit` bytes, mapped where the system can.
    init(path: String, limit: Int = 512 << 20) throws {
        do {
            data = try Data(contentsOf: URL(filePath: path), options: .mappedIfSafe)
        } catch {
            throw Flaw(reason: "\(path) cannot be read")
        }
        guard data.count <= limit else { throw Flaw(reason: "\(path) is larger than \(limit) bytes") }
    }

    init(_ bytes: [UInt8]) { data = Data(bytes) }

    var count: Int { data.count }

    func bytes(_ range: Range<Int>) throws(Flaw) -> [UInt8] { [UInt8](try part(range)) }

    /// A number of `size` bytes, the lowest first.
    func number(at offset: Int, size: Int) throws(Flaw) -> UInt64 {
        try part(offset..<offset + size).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    func count(at offset: Int, size: Int) throws(Flaw) -> Int {
        Int(truncatingIfNeeded: try number(at: offset, size: size))
    }

    func part(_ range: Range<Int>) throws(Flaw) -> Data {
        guard range.lowerBound >= 0, range.upperBound <= data.count else { throw Flaw(reason: "a file ends too early") }
        return data[range]
    }
}
