/// Where a piece of a document stands: its place, and the headings above it.
struct Outline {
    private let places: [PlaceMark]
    private let headings: [HeadingMark]
    /// For each heading the one that it stands under.
    private let parents: [Int?]

    init(_ document: DocumentText) {
        places = document.places
        headings = document.headings
        var parents: [Int?] = []
        for heading in headings {
            var parent = parents.indices.last
            while let above = parent, headings[above].level >= heading.level { parent = parents[above] }
            parents.append(parent)
        }
        self.parents = parents
    }

    /// Where no chunk goes over: headings and places, but for pages, which sentences flow over. Ascending.
    var sections: [Int] {
        let bounds = places.filter { if case .page = $0.place { false } else { true } }.map(\.offset)
        return Set(headings.map(\.offset) + bounds).sorted()
    }

    /// The chunk, with its place and headings.
    func placed(_ chunk: Chunk) -> Chunk {
        var chunk = chunk
        chunk.place = place(at: chunk.range.lowerBound)
        chunk.headings = path(at: chunk.range.lowerBound)
        return chunk
    }

    func place(at offset: Int) -> DocumentPlace? {
        Self.last(places, at: offset, by: \.offset).map { places[$0].place }
    }

    func path(at offset: Int) -> [String] {
        var path: [String] = []
        var next = Self.last(headings, at: offset, by: \.offset)
        while let heading = next {
            path.append(headings[heading].title)
            next = parents[heading]
        }
        return path.reversed()
    }

    /// Of the heading that stands at just this offset; nil: none does.
    func level(at offset: Int) -> Int? {
        let heading = Self.last(headings, at: offset, by: \.offset).map { headings[$0] }
        return heading?.offset == offset ? heading?.level : nil
    }

    /// The last mark that stands at the offset or before it.
    private static func last<Mark>(_ marks: [Mark], at offset: Int, by key: (Mark) -> Int) -> Int? {
        var low = 0
        var high = marks.count
        while low < high {
            let middle = (low + high) / 2
            if key(marks[middle]) <= offset { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? low - 1 : nil
    }
}
