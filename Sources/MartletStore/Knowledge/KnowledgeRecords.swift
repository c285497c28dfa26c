/// Vectors that may be compared: those of one model, of one base.
package struct SpaceRecord: Sendable, Equatable {
    package var number: Int64
    package var model: String
    package var version: String
    package var dimensions: Int

    package init(number: Int64, model: String, version: String, dimensions: Int) {
        self.number = number
        self.model = model
        self.version = version
        self.dimensions = dimensions
    }
}

package struct BaseRecord: Sendable, Equatable {
    package var number: Int64
    package var name: String
    package var description: String
    /// Seconds since 1970.
    package var created: Double
    /// Rises with each change; no two changes of the whole store have the same.
    package var epoch: Int
    /// What is searched.
    package var space: SpaceRecord
    /// What is made ready beside it; nil: nothing.
    package var nextSpace: SpaceRecord?
    package var documents: Int
    package var chunks: Int
    /// When its newest document came, in seconds since 1970; of an empty one, when it was made.
    package var changed: Double
}

package struct DocumentRecord: Sendable, Equatable {
    /// Never used again for another text.
    package var number: Int64
    package var name: String
    /// The base's epoch when it came, so that no text of the same name ever had it.
    package var version: Int
    package var type: String
    /// Of the file.
    package var bytes: Int
    package var chunks: Int
    /// Seconds since 1970.
    package var added: Double
    /// As whoever put it wrote it.
    package var metadata: String
    package var hash: String
    package var splitting: String
}

/// What is to be a document: the whole of it, visible in one step.
package struct NewDocument: Sendable {
    package struct Chunk: Sendable {
        package var text: String
        package var range: Range<Int>
        /// As whoever puts it wrote it: where it begins, its headings.
        package var marks: String
        /// Chunks of the same key have the same vectors.
        package var key: [UInt8]
        package var vector: [Float]

        package init(text: String, range: Range<Int>, marks: String, key: [UInt8], vector: [Float]) {
            self.text = text
            self.range = range
            self.marks = marks
            self.key = key
            self.vector = vector
        }
    }

    package var name: String
    package var type: String
    package var bytes: Int
    package var added: Double
    package var metadata: String
    package var hash: String
    /// As whoever put it wrote it, as is `likeness`.
    package var splitting: String
    package var likeness: [UInt8]
    package var text: String
    /// Of the text, as whoever puts it wrote them: its places and headings.
    package var marks: String
    package var chunks: [Chunk]
    /// What the base is made ready for beside its own vectors: one for each chunk.
    package var next: (space: SpaceRecord, vectors: [[Float]])?
    /// The uploaded file; nil: there is none, and whatever there was of that name stays.
    package var file: SpooledFile?

    package init(
        name: String, type: String, bytes: Int, added: Double, metadata: String, hash: String,
        splitting: String = "", likeness: [UInt8] = [], text: String, marks: String, chunks: [Chunk],
        file: SpooledFile? = nil
    ) {
        self.name = name
        self.type = type
        self.bytes = bytes
        self.added = added
        self.metadata = metadata
        self.hash = hash
        self.splitting = splitting
        self.likeness = likeness
        self.text = text
        self.marks = marks
        self.chunks = chunks
        self.file = file
    }
}

/// A file that is kept under a name that says nothing.
package struct SpooledFile: Sendable, Equatable {
    package var id: String
    package var bytes: Int
    package var checksum: UInt32
}

package struct FileRecord: Sendable, Equatable {
    package var path: String
    package var name: String
    package var type: String
    package var bytes: Int
}

/// A chunk as it was put.
package struct ChunkRecord: Sendable, Equatable {
    package var number: Int64
    package var document: Int64
    package var name: String
    package var version: Int
    /// Of its document.
    package var metadata: String
    package var text: String
    package var range: Range<Int>
    package var marks: String
}

/// What a change did: told before the next one begins.
package struct CommittedChange: Sendable, Equatable {
    package var base: Int64
    /// The base's epoch before it.
    package var previous: Int
    package var epoch: Int
    /// What came; nil: nothing.
    package var document: DocumentRecord?
    /// The chunks that came have the numbers from this one on.
    package var firstChunk: Int64 = 0
    /// Documents that went.
    package var removed: [Int64] = []
    /// The chunks that went with them.
    package var removedChunks: [Int64] = []
}

package enum KnowledgeStoreError: Error, Sendable, Equatable, StoreError {
    /// Another process has the folder.
    case inUse
    /// Where nobody can vouch for locks and order of writes, with the kind of file system.
    case network(String)
    case noBase(String)
    case baseExists(String)
    case noDocument(String)
    /// Vectors of another model or length than the base's.
    case wrongSpace(String)
    /// The disk has no room.
    case full(String)
    /// What is there is not what was written.
    case damaged(String)
    case failed(String)
}
