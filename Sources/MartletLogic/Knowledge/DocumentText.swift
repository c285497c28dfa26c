/// The text of a document as its parser read it, in reading order, and where its parts stand.
///
/// All offsets count Unicode scalars of ``text`` (what Python and most indexes call characters). A citation is a range
/// of this very text, so nobody changes it once it is read.
public struct DocumentText: Sendable, Equatable {
    public var text: String
    /// As the document itself says it; nil: it says none.
    public var title: String?
    /// Pages, sheets, slides, chapters: each from its offset to the next one's. Ascending; empty: it has none.
    public var places: [PlaceMark]
    /// Ascending by offset, the outermost heading at level 1.
    public var headings: [HeadingMark]
    /// Where the rows of a table begin (CSV, XLSX): a row is never split from its beginning, nor joined with the next
    /// one's end. Ascending; empty: running text.
    public var rows: [Int]

    public init(
        text: String, title: String? = nil, places: [PlaceMark] = [], headings: [HeadingMark] = [], rows: [Int] = []
    ) {
        self.text = text
        self.title = title
        self.places = places
        self.headings = headings
        self.rows = rows
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
}

/// Where a place begins.
public struct PlaceMark: Sendable, Equatable {
    public var offset: Int
    public var place: DocumentPlace

    public init(offset: Int, place: DocumentPlace) {
        self.offset = offset
        self.place = place
    }
}

/// Where a heading stands: its own words are part of the text, from the offset on.
public struct HeadingMark: Sendable, Equatable {
    public var offset: Int
    /// From 1, the outermost.
    public var level: Int
    public var title: String

    public init(offset: Int, level: Int, title: String) {
        self.offset = offset
        self.level = level
        self.title = title
    }
}
