import MartletLogic

/// What a pass over the vectors looks for.
struct VectorQuestion {
    /// Of length 1.
    let vector: [Float]
    let codes: VectorCodes
    /// At most so many rows.
    let count: Int
    /// The rows that may answer, for each segment.
    let admitted: [RowSet]

    init(_ vector: [Float], count: Int, admitted: [RowSet]) {
        self.vector = vector
        self.count = count
        self.admitted = admitted
        codes = VectorCodes(vector.span, stride: VectorKernels.stride(vector.count))
    }
}

/// One pass over all vectors for several questions, exact: the rows whose small whole numbers come near enough that
/// they could be among the best are all looked at as they are.
struct VectorScan {
    /// As many rows are asked by all questions before the next ones: their products stay near the processor.
    private static let block = 256

    private var dots = [Int32](repeating: 0, count: block * VectorKernels.mostQueries)
    private var picked = [UInt32](repeating: 0, count: block)

    /// The best rows for each question, by their cosine, the best first.
    ///
    /// - Parameter questions: At most ``VectorKernels/mostQueries``, of the rows' dimensions.
    mutating func best(_ questions: [VectorQuestion], in segments: [VectorRows]) -> [[Best.Row]] {
        var nearest = questions.map { Nearest($0, segments) }
        let codes = questions.flatMap(\.codes.codes)
        for (segment, rows) in segments.enumerated() {
            var row = 0
            while row < rows.count {
                let end = min(row + Self.block, rows.count)
                Self.ask(codes.span, rows, segment, row..<end, &nearest, &dots, &picked)
                row = end
            }
        }
        return nearest.indices.map { nearest[$0].exact(segments) }
    }

    private static func ask(
        _ codes: Span<Int8>, _ rows: VectorRows, _ segment: Int, _ block: Range<Int>, _ nearest: inout [Nearest],
        _ dots: inout [Int32], _ picked: inout [UInt32]
    ) {
        let stride = rows.stride
        var dots = dots.mutableSpan
        VectorKernels.best.dots(
            rows.codes.span.extracting(block.lowerBound * stride..<block.upperBound * stride), codes, stride: stride,
            into: &dots)
        let scales = rows.scales.span.extracting(block)
        var picked = picked.mutableSpan
        for question in nearest.indices {
            let dots = dots.span.extracting(question * block.count..<(question + 1) * block.count)
            let count = VectorKernels.pick(
                dots, scales, factor: nearest[question].question.codes.scale, least: nearest[question].cut,
                into: &picked)
            for place in 0..<count {
                let row = Int(picked[place])
                nearest[question].offer(segment, block.lowerBound + row, Float(dots[row]) * scales[row])
            }
        }
    }
}

/// The rows that could be among the best of a question.
private struct Nearest {
    /// Beyond so many, those that no longer could are let go.
    private static let many = 8192

    let question: VectorQuestion
    /// A cosine differs from what the codes say by no more than this.
    private let error: Float
    /// By the codes.
    private var best: Best
    private var candidates: [Best.Row] = []
    private var room = many

    init(_ question: VectorQuestion, _ segments: [VectorRows]) {
        self.question = question
        best = Best(question.count)
        var square: Float = 0
        for number in question.vector { square += number * number }
        // |q·r - q'·r'| <= |q||r - r'| + |q - q'||r'|, and what floats round.
        let bound = segments.reduce(0) {
            max($0, square.squareRoot() * $1.error + question.codes.error * $1.length)
        }
        error = bound * 1.001 + 1e-5
    }

    /// What a row has to have by the codes: the best ones' lowest could be less by the error, and the row more by it.
    var cut: Float { best.least - 2 * error }

    mutating func offer(_ segment: Int, _ row: Int, _ product: Float) {
        let found = Best.Row(segment: segment, row: row, score: product * question.codes.scale)
        guard question.admitted[segment].contains(row), found.score >= cut else { return }
        best.offer(found)
        candidates.append(found)
        guard candidates.count > room else { return }
        let cut = cut
        candidates.removeAll { $0.score < cut }
        // Many rows that are alike stay, and are not looked through each time.
        room = max(Self.many, candidates.count * 2)
    }

    func exact(_ segments: [VectorRows]) -> [Best.Row] {
        var exact = Best(question.count)
        for candidate in candidates.filter({ $0.score >= cut }).sorted(by: { $0.score > $1.score }) {
            guard candidate.score + error > exact.least else { break }
            let cosine = segments[candidate.segment].dot(candidate.row, question.vector.span)
            exact.offer(Best.Row(segment: candidate.segment, row: candidate.row, score: cosine))
        }
        return exact.rows
    }
}
