package import MartletLogic

/// A file that was uploaded by itself, to be put into stores later.
package struct ShelfFile: Sendable, Equatable, Codable {
    /// `file-` and 24 hexadecimal digits: its name on the disk as well.
    package var id: String
    /// As its sender calls it.
    package var name: String
    package var purpose: String
    package var bytes: Int
    /// Seconds since 1970.
    package var created: Double
}

/// What OpenAI's API keeps of a base that it made: the base has the store's id for its name.
package struct ShelfStore: Sendable, Equatable, Codable {
    /// `vs_` and 24 hexadecimal digits, or the name of a base that was made by other means.
    package var id: String
    package var name: String
    package var metadata: [String: String]
    package var created: Double
    package var lastActive: Double
    /// Days without use after which it goes; nil: it stays.
    package var expiresAfterDays: Int?

    /// Seconds since 1970; nil: never.
    package var expires: Double? { expiresAfterDays.map { lastActive + Double($0) * 86_400 } }
}

/// A file in a store, or on its way there.
package struct ShelfEntry: Sendable, Equatable, Codable {
    package enum State: String, Sendable, Codable {
        case waiting = "in_progress"
        case completed, failed, cancelled
    }

    package var store: String
    package var file: String
    /// What the document is called in the base.
    package var document: String
    /// Of the batch that it came with.
    package var batch: String?
    package var state = State.waiting
    /// Why it failed.
    package var failure: Failure?
    package var created: Double
    package var bytes: Int
    /// Of chunks, in characters; nil: the usual size.
    package var chunkSize: Int?
    package var chunkOverlap: Int?
    package var attributes: [String: Attribute] = [:]
    /// How often it was begun to be put in, and neither done nor refused; nil: never.
    package var attempts: Int?

    /// Whether a document that was made as `other` says is what this one wants.
    func isMade(as other: ShelfEntry) -> Bool {
        document == other.document && attributes == other.attributes && chunkSize == other.chunkSize
            && chunkOverlap == other.chunkOverlap
    }

    package struct Failure: Sendable, Equatable, Codable {
        /// Of a `KnowledgeError`.
        package var code: String
        package var message: String
    }
}

/// A value of a document's metadata, as it is kept.
package enum Attribute: Sendable, Equatable, Codable {
    case text(String)
    case number(Double)
    case flag(Bool)

    package init(_ value: MetadataValue) {
        switch value {
        case .text(let text): self = .text(text)
        case .number(let number): self = .number(number)
        case .flag(let flag): self = .flag(flag)
        }
    }

    package var value: MetadataValue {
        switch self {
        case .text(let text): .text(text)
        case .number(let number): .number(number)
        case .flag(let flag): .flag(flag)
        }
    }
}

/// Files that were put into a store together.
package struct ShelfBatch: Sendable, Equatable, Codable {
    /// `vsfb_` and 24 hexadecimal digits.
    package var id: String
    package var store: String
    package var created: Double
    package var isCancelled = false
}

/// Where records outlive the process.
package protocol ShelfBook: Sendable {
    /// All of them, by key.
    func all() async throws -> [String: [UInt8]]
    /// In one step; nil removes.
    func write(_ changes: [String: [UInt8]?]) async throws
}

/// Records that do not: for tests, and where nobody minds.
package actor ShelfMemory: ShelfBook {
    private var records: [String: [UInt8]] = [:]

    package init() {}

    package func all() -> [String: [UInt8]] { records }

    package func write(_ changes: [String: [UInt8]?]) {
        for (key, value) in changes { records[key] = value }
    }
}
