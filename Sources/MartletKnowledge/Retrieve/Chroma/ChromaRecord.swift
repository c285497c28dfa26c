import Foundation
import MartletLogic
import MartletWire

/// What is put into a collection.
struct ChromaRecord: Sendable {
    var id: String
    /// Base64 of little-endian floats.
    var vector: String
    var metadata: [String: JSONValue]
    /// About so long it is in a request.
    var bytes: Int

    init(id: String, vector: [Float], metadata: [String: JSONValue], bytes: Int) {
        self.id = id
        self.vector = Self.base64(vector)
        self.metadata = metadata
        self.bytes = bytes + self.vector.utf8.count + 200
    }

    private static func base64(_ vector: [Float]) -> String {
        var bytes = Data(capacity: vector.count * 4)
        for value in vector {
            for shift in stride(from: 0, to: 32, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(shift)))
            }
        }
        return bytes.base64EncodedString()
    }

    /// The records in their order, as requests bring them: each of so many records and bytes at most.
    static func batches(_ records: [ChromaRecord], atMost count: Int, bytes most: Int) -> [[ChromaRecord]] {
        var batches: [[ChromaRecord]] = []
        var bytes = 0
        for record in records {
            if batches.isEmpty || bytes + record.bytes > most || batches[batches.count - 1].count >= count {
                batches.append([])
                bytes = 0
            }
            batches[batches.count - 1].append(record)
            bytes += record.bytes
        }
        return batches
    }
}

/// Which chunk of which write: its record's id, in whatever collection.
struct ChunkPlace: Hashable, Sendable {
    /// Drawn by who put the document.
    var write: Int
    /// From 0, in reading order.
    var index: Int

    var id: String { "\(write)-\(index)" }

    init(write: Int, index: Int) {
        self.write = write
        self.index = index
    }

    /// nil: no chunk's id.
    init?(id: String) {
        let parts = id.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let write = Int(parts[0]), let index = Int(parts[1]) else { return nil }
        self.init(write: write, index: index)
    }
}

/// What a chunk's record says of it.
struct ChunkMetadata: Codable, Sendable {
    var write: Int
    var index: Int
    var text: String
    var low: Int
    var high: Int
    /// `KnowledgeMarks`.
    var marks: String
    /// Base64.
    var key: String
    /// When it was written, in seconds since 1970.
    var made: Int
    /// Drawn by lot, below ``buckets``: a share of all chunks that nobody chose.
    var bucket: Int

    static let buckets = 1024

    var place: ChunkPlace { ChunkPlace(write: write, index: index) }

    init(_ part: PreparedDocument.Part, write: Int, index: Int, made: Int) throws {
        self.write = write
        self.index = index
        text = part.chunk.text
        low = part.chunk.range.lowerBound
        high = part.chunk.range.upperBound
        marks = try KnowledgeMarks.text(part.chunk)
        key = Self.key(part.key)
        self.made = made
        bucket = Int.random(in: 0..<Self.buckets)
    }

    static func key(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    func chunk() throws -> Chunk {
        guard low <= high else { throw KnowledgeError(.failed, "The Chroma server holds a chunk of no range.") }
        return try KnowledgeMarks.chunk(marks, text: text, range: low..<high)
    }

    func record(_ vector: [Float]) throws -> ChromaRecord {
        let words = ChunkWords(try chunk()).distinct
        return ChromaRecord(
            id: place.id, vector: vector,
            metadata: [
                "write": .integer(Int64(write)), "index": .integer(Int64(index)), "text": .string(text),
                "low": .integer(Int64(low)), "high": .integer(Int64(high)), "marks": .string(marks),
                "key": .string(key), "made": .integer(Int64(made)), "bucket": .integer(Int64(bucket)),
                "words": .array(words.map(JSONValue.string)),
            ], bytes: text.utf8.count + marks.utf8.count + words.reduce(0) { $0 + $1.utf8.count + 3 })
    }
}

/// The terms that a chunk is searched by, as an array that the server has an index of.
struct ChunkWords {
    /// Each of them once; and once more, marked, each that a question of one character asks for.
    private(set) var distinct: [String] = []
    /// All of them, repeated ones included.
    private(set) var count = 0

    init(_ chunk: Chunk) {
        var seen: Set<String> = []
        for part in BaseIndex.texts(chunk) {
            var part = part
            part.makeContiguousUTF8()
            MartletLogic.WordReader().read(part.utf8.span, as: .document) { term, _, _ in
                count += 1
                var bytes: [UInt8] = []
                for index in term.indices { bytes.append(term[index]) }
                let word = String(decoding: bytes, as: UTF8.self)
                guard seen.insert(word).inserted else { return true }
                distinct.append(word)
                if let start = Self.start(of: word), seen.insert(start).inserted { distinct.append(start) }
                return true
            }
        }
    }

    /// What to look for.
    static func entry(_ word: String, isBeginning: Bool) -> String { isBeginning ? word + mark : word }

    /// Chinese, Japanese and Korean are read two by two: one character is asked for as the beginning of a term.
    private static func start(of word: String) -> String? {
        let scalars = word.unicodeScalars
        guard let first = scalars.first, first.value >= 0x2e80, scalars.count <= 2 else { return nil }
        return entry(String(first), isBeginning: true)
    }

    /// In no term.
    private static let mark = "*"
}
