/// The weights of the Universal Sentence Encoder (multilingual, version 3), laid out for ``SentencePass``.
///
/// A text's pieces are looked up in a table of bytes; three branches see two, three and five neighbouring pieces at a
/// time through two convolutions each; everything is summed over the text and goes through a small dense network.
// SAFETY: nobody writes to its memory once it is made.
struct SentenceNetwork: @unchecked Sendable {
    /// Sees `width` neighbours at a time, `left` of them before the piece itself.
    struct Branch {
        let width: Int
        let left: Int
        /// The first convolution, as one product for each of the `width` places side by side.
        let spread: PackedMatrix
        let spreadBias: Floats
        /// The second one.
        let join: PackedMatrix
        let joinBias: Floats
    }

    /// The most neighbours that a branch sees on either side.
    static let reach = 2
    private static let widths = [(width: 2, left: 0), (width: 3, left: 1), (width: 5, left: 2)]

    let table: PieceTable
    /// Of a piece to the input of all branches, side by side.
    let projection: PackedMatrix
    let projectionBias: Floats
    let inputGain: Floats
    let inputBias: Floats
    let branches: [Branch]
    let outputGain: Floats
    let outputBias: Floats
    let summary: PackedMatrix
    let summaryBias: Floats
    let dense: (first: PackedMatrix, second: PackedMatrix, third: PackedMatrix, fourth: PackedMatrix)
    /// The ways around the first and the third layer.
    let skips: (first: PackedMatrix, third: PackedMatrix)
    let epsilon: Float

    /// Of the vectors.
    var dimensions: Int { dense.fourth.columns }
    /// Of a branch.
    var branchWidth: Int { spreadWidth / branches.count }
    /// Of all branches.
    var spreadWidth: Int { projection.columns }

    init(_ archive: NumpyArchive) throws(ModelFile.Flaw) {
        let table = try PieceTable(archive)
        self.table = table
        func floats(_ name: String) throws(ModelFile.Flaw) -> [Float] { try archive.array(name).floats() }
        func row(_ name: String, _ count: Int) throws(ModelFile.Flaw) -> Floats {
            let values = try floats(name)
            guard values.count == count else { throw ModelFile.Flaw(reason: "array \(name) has not \(count) values") }
            return Floats(row: values)
        }
        func matrix(_ name: String, rows: Int) throws(ModelFile.Flaw) -> PackedMatrix {
            let array = try archive.array(name)
            guard array.shape.count == 2, array.shape[0] == rows, array.shape[1] > 0, rows > 0 else {
                throw ModelFile.Flaw(reason: "array \(name) has not \(rows) rows")
            }
            return PackedMatrix(rows: rows, columns: array.shape[1], try array.floats())
        }

        var projections: [[Float]] = []
        var (biases, gains, shifts): ([Float], [Float], [Float]) = ([], [], [])
        var branches: [Branch] = []
        for (width, left) in Self.widths {
            projections.append(try floats("proj\(width)"))
            let own = try floats("proj_b\(width)")
            biases += own
            gains += try floats("ln_g\(width)")
            shifts += try floats("ln_b\(width)")
            let spread = try floats("w1_\(width)")
            guard spread.count == width * own.count * own.count, !own.isEmpty else {
                throw ModelFile.Flaw(reason: "array w1_\(width) is of another size")
            }
            branches.append(
                Branch(
                    width: width, left: left,
                    spread: PackedMatrix(
                        rows: own.count, columns: width * own.count,
                        Self.sideBySide((0..<width).map { place in
                            Array(spread[place * own.count * own.count..<(place + 1) * own.count * own.count])
                        }, rows: own.count)),
                    spreadBias: try row("b1_\(width)", own.count),
                    join: try matrix("w2_\(width)", rows: width * own.count),
                    joinBias: try row("b2_\(width)", own.count)))
        }
        let size = biases.count / branches.count
        guard projections.allSatisfy({ $0.count == table.width * size }), gains.count == biases.count,
            shifts.count == biases.count, branches.allSatisfy({ $0.join.columns == size })
        else { throw ModelFile.Flaw(reason: "its branches are of different sizes") }
        self.branches = branches
        projection = PackedMatrix(
            rows: table.width, columns: biases.count, Self.sideBySide(projections, rows: table.width))
        projectionBias = Floats(row: biases)
        inputGain = Floats(row: gains)
        inputBias = Floats(row: shifts)

        let features = table.width + biases.count
        outputGain = try row("ln_g", features)
        outputBias = try row("ln_b", features)
        summary = try matrix("cnn_W", rows: features)
        summaryBias = try row("cnn_b", summary.columns)
        let first = try matrix("d0", rows: summary.columns)
        let second = try matrix("d1", rows: first.columns)
        let third = try matrix("d2", rows: second.columns)
        let fourth = try matrix("d3", rows: third.columns)
        dense = (first, second, third, fourth)
        skips = (try matrix("p1", rows: summary.columns), try matrix("p3", rows: second.columns))
        guard skips.first.columns == second.columns, skips.third.columns == fourth.columns,
            let epsilon = try floats("eps").first
        else { throw ModelFile.Flaw(reason: "its layers do not fit each other") }
        self.epsilon = epsilon
    }

    /// One matrix of several of `rows` rows.
    private static func sideBySide(_ matrices: [[Float]], rows: Int) -> [Float] {
        (0..<rows).flatMap { row in
            matrices.flatMap { matrix in
                let width = matrix.count / rows
                return matrix[row * width..<(row + 1) * width]
            }
        }
    }
}

/// What stands for each piece: a row of bytes, in blocks that have a scale of their own. Piece n is in block n modulo
/// their number.
struct PieceTable {
    let width: Int
    let count: Int
    private let blocks: [[UInt8]]
    private let scales: [Float]
    private let offsets: [Float]

    init(_ archive: NumpyArchive) throws(ModelFile.Flaw) {
        scales = try archive.array("scale").floats()
        offsets = try archive.array("lo").floats()
        var blocks: [[UInt8]] = []
        var shape: [Int] = []
        for number in scales.indices {
            let array = try archive.array("q\(number + 1)")
            guard array.shape.count == 2, number == 0 || array.shape == shape else {
                throw ModelFile.Flaw(reason: "its blocks are of different sizes")
            }
            shape = array.shape
            blocks.append(try array.bytes())
        }
        guard !blocks.isEmpty, offsets.count == blocks.count, shape[1] > 0 else {
            throw ModelFile.Flaw(reason: "it has no blocks")
        }
        self.blocks = blocks
        width = shape[1]
        count = shape[0] * blocks.count
    }

    /// The first floats of a row. A piece that the table has not is the unknown one.
    func write(_ piece: Int32, to row: Int, of rows: Floats) {
        let piece = 0..<count ~= Int(piece) ? Int(piece) : Int(PieceModel.unknown)
        let block = piece % blocks.count
        rows.widenRow(
            row, blocks[block], from: piece / blocks.count * width, count: width, scale: scales[block],
            offset: offsets[block])
    }
}
