/// The text of a document as its parser read it, in reading order, and where its parts stand.
///
/// All offsets count Unicode scalars of ``text`` (what Python and most indexes call characters). A citation is a range
/// of this very text, so nobody changes it once it is read.
public struct DocumentText: Sendable, Equatable {
    public var text: String
    /// As the document itself says it, at most ``longestName`` characters; nil: it says none.
    public var title: String?
    /// Pages, sheets, slides, chapters: each from its offset to the next one's. Ascending; empty: it has none.
    public var places: [PlaceMark]
    /// Ascending by offset, the outermost heading at level 1.
    public var headings: [HeadingMark]
    /// Where the rows of a table begin (CSV, XLSX): a row is never split from its beginning, nor joined with the next
    /// one's end. Ascending; empty: running text.
    public var rows: [Int]

    /// Of titles, headings and names of places, in characters: they are repeated with each chunk.
    public static let longestName = 200

    public init(
        text: String, title: String? = nil, places: [PlaceMark] = [], headings: [HeadingMark] = [], rows: [Int] = []
    ) {
        self.text = text
        self.title = title.map(Self.name)
        self.places = places
        self.headings = headings
        self.rows = rows
    }

    /// As much of a name that a document gives as is kept.
    public static func name(_ given: String) -> String {
        // What is in bytes is in characters, and needs no counting.
        given.utf8.count <= longestName ? given : String(given.unicodeScalars.prefix(longestName))
    }
}

/// A part of a document that people find it by.
public enum DocumentPlace: Sendable, Hashable, Codable {
    /// From 1.
    case page(Int)
    /// From 1.
    case slide(Int)
    case sheet(String)
    /// Of an EPUB.
    case chapter(String)

    /// With a name that is not too long.
    fileprivate var clamped: DocumentPlace {
        switch self {
        case .page, .slide: self
        case .sheet(let name): .sheet(DocumentText.name(name))
        case .chapter(let name): .chapter(DocumentText.name(name))
        }
    }

    /// As people say it: `page 2`.
    public var words: String {
        switch self {
        case .page(let number): "page \(number)"
        case .slide(let number): "slide \(number)"
        case .sheet(let name): "sheet \(name)"
        case .chapter(let name): "chapter \(name)"
        }
    }
}

/// Where a place begins.
public struct PlaceMark: Sendable, Equatable {
    public var offset: Int
    public var place: DocumentPlace

    public init(offset: Int, place: DocumentPlace) {
        self.offset = offset
        self.place = place.clamped
    }
}

/// Where a heading stands: its own words are part of the text, from the offset on.
public struct HeadingMark: Sendable, Equatable {
    public static let levels = 1...9

    public var offset: Int
    /// From 1, the outermost, to 9.
    public var level: Int
    public var title: String

    /// - Parameters:
    ///   - level: One beyond ``levels`` is the nearest of them.
    ///   - title: At most ``DocumentText/longestName`` characters of it are kept.
    public init(offset: Int, level: Int, title: String) {
        self.offset = offset
        self.level = min(max(level, Self.levels.lowerBound), Self.levels.upperBound)
        self.title = DocumentText.name(title)
    }
}
