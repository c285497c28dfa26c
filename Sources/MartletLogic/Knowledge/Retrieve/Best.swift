/// The best rows of those that are offered, the best first.
public struct Best: Sendable {
    public struct Row: Sendable, Equatable {
        public var segment: Int
        public var row: Int
        public var score: Float

        public init(segment: Int, row: Int, score: Float) {
            self.segment = segment
            self.row = row
            self.score = score
        }
    }

    private let count: Int
    public private(set) var rows: [Row] = []

    /// - Parameter count: At most so many.
    public init(_ count: Int) { self.count = count }

    /// A row has to have more than this.
    public var least: Float { rows.count < count ? -.infinity : rows.last?.score ?? .infinity }

    public mutating func offer(_ row: Row) {
        guard row.score > least else { return }
        if rows.count == count { rows.removeLast() }
        // Few rows get here, and few are kept.
        var place = rows.count
        while place > 0, rows[place - 1].score < row.score { place -= 1 }
        rows.insert(row, at: place)
    }
}
