import Glibc

/// What one thread needs to turn pieces into vectors. Not for two threads at a time.
///
/// The first convolution, and all before it, depend on the single pieces only, not on their neighbours: two thirds of
/// the arithmetic. They are kept for the pieces seen lately, and computed anew for the others.
// SAFETY: ``SentenceEncoder`` lends each to one thread at a time.
final class SentencePass: @unchecked Sendable {
    /// At most this many pieces are computed at a time: what they need stays in the second cache.
    private static let maximumRows = 320

    private let network: SentenceNetwork
    private let maximumKept: Int
    /// Where each piece is kept; it has a row of the same number in `inputs` and `spreads`.
    private var kept: [Int32: Int] = [:]
    private let inputs: Floats
    private let spreads: [Floats]
    private let looked: Floats

    /// A row for each place of the texts in work, rows of 0 between two texts.
    private let hidden: [Floats]
    private let joined: [Floats]
    private let features: Floats

    /// - Parameter maximumKept: Of the pieces seen lately, at 13 KiB each; at least as many as are computed at a time.
    init(_ network: SentenceNetwork, maximumKept: Int) {
        self.network = network
        let maximumKept = max(maximumKept, Self.maximumRows)
        self.maximumKept = maximumKept
        let size = network.branchWidth
        inputs = Floats(rows: maximumKept, columns: network.spreadWidth)
        spreads = network.branches.map { Floats(rows: maximumKept, columns: $0.width * size) }
        looked = Floats(rows: Self.maximumRows, columns: network.table.width)
        hidden = network.branches.map { _ in Floats(rows: Self.maximumRows, columns: size) }
        joined = network.branches.map { _ in Floats(rows: Self.maximumRows, columns: size) }
        features = Floats(rows: 1, columns: network.table.width + network.spreadWidth)
    }

    /// A vector of length 1 for each text.
    ///
    /// - Parameters:
    ///   - texts: Their pieces, at least one each.
    ///   - check: Called before each step of a few milliseconds: what it throws ends the work.
    func vectors<Failure>(
        of texts: [[Int32]], check: () throws(Failure) -> Void
    ) throws(Failure) -> [[Float]] {
        let sums = Floats(rows: texts.count, columns: features.columns)
        var step = Step()
        for (text, pieces) in texts.enumerated() {
            var first = 0
            while first < pieces.count {
                if step.room(atMost: Self.maximumRows) < 1 {
                    try check()
                    run(step, texts, into: sums)
                    step = Step()
                }
                let end = min(pieces.count, first + step.room(atMost: Self.maximumRows))
                step.add(text: text, first..<end, of: pieces.count)
                first = end
            }
        }
        try check()
        run(step, texts, into: sums)
        return finish(sums, counts: texts.map(\.count))
    }

    private func run(_ step: Step, _ texts: [[Int32]], into sums: Floats) {
        guard !step.parts.isEmpty else { return }
        keep(step.parts.flatMap { texts[$0.text][$0.read] })
        let slots = step.parts.map { part in part.read.map { kept[texts[part.text][$0]] ?? 0 } }
        for (number, branch) in network.branches.enumerated() {
            let rows = hidden[number]
            for row in 0..<SentenceNetwork.reach { rows.clearRow(row) }
            for (part, slots) in zip(step.parts, slots) {
                for place in part.seen {
                    spread(branch, number, slots, place - part.read.lowerBound, to: part.row(of: place))
                }
                for row in part.rowsAfter { rows.clearRow(row) }
            }
            joined[number].multiply(
                row: SentenceNetwork.reach, count: step.count - 2 * SentenceNetwork.reach, rows,
                start: (SentenceNetwork.reach - branch.left) * rows.columns, stride: rows.columns, by: branch.join,
                bias: branch.joinBias)
        }
        for part in step.parts {
            for place in part.own { sum(texts[part.text][place], row: part.row(of: place), into: sums, part.text) }
        }
    }

    /// Sees to it that all pieces are kept.
    private func keep(_ pieces: [Int32]) {
        var missing = Set(pieces).subtracting(kept.keys).sorted()
        if kept.count + missing.count > maximumKept {
            kept.removeAll(keepingCapacity: true)
            missing = Set(pieces).sorted()
        }
        let first = kept.count
        for (row, piece) in missing.enumerated() {
            kept[piece] = first + row
            network.table.write(piece, to: row, of: looked)
        }
        inputs.multiply(
            row: first, count: missing.count, looked, stride: looked.columns, by: network.projection,
            bias: network.projectionBias)
        for row in first..<first + missing.count {
            inputs.normalizeRow(row, gain: network.inputGain, bias: network.inputBias, epsilon: network.epsilon)
        }
        for (number, branch) in network.branches.enumerated() {
            spreads[number].multiply(
                row: first, count: missing.count, inputs,
                start: first * inputs.columns + number * network.branchWidth, stride: inputs.columns, by: branch.spread)
        }
    }

    /// The first convolution at one place of a text.
    private func spread(_ branch: SentenceNetwork.Branch, _ number: Int, _ slots: [Int], _ place: Int, to row: Int) {
        let rows = hidden[number]
        rows.copyRow(row, from: branch.spreadBias, 0)
        for neighbour in 0..<branch.width {
            let seen = place - branch.left + neighbour
            guard slots.indices.contains(seen) else { continue }
            rows.addRow(row, spreads[number], slots[seen], from: neighbour * rows.columns)
        }
        rows.rectifyRow(row, rows, row, plus: inputs, slots[place], from: number * rows.columns)
    }

    /// The second convolution's result at one place, with the piece itself, onto the text's sum.
    private func sum(_ piece: Int32, row: Int, into sums: Floats, _ text: Int) {
        network.table.write(piece, to: 0, of: features)
        for (number, rows) in joined.enumerated() {
            features.rectifyRow(
                0, at: network.table.width + number * rows.columns, rows, row, plus: hidden[number], row)
        }
        features.normalizeRow(0, gain: network.outputGain, bias: network.outputBias, epsilon: network.epsilon)
        sums.addRow(text, features, 0)
    }

    private func finish(_ sums: Floats, counts: [Int]) -> [[Float]] {
        func product(_ left: Floats, _ matrix: PackedMatrix) -> Floats {
            let result = Floats(rows: left.rows, columns: matrix.columns)
            result.multiply(row: 0, count: left.rows, left, stride: left.columns, by: matrix)
            return result
        }
        func rectify(_ rows: Floats) {
            for row in 0..<rows.rows { rows.rectifyRow(row, rows, row) }
        }
        let mean = product(sums, network.summary)
        for (row, count) in counts.enumerated() {
            // The bias once for each piece, and all over the root of their number.
            let count = Float(count)
            let bias = network.summaryBias[0]
            mean.changeRow(row) { column, sum in (sum + count * bias[column]) / count.squareRoot() }
        }
        let first = product(mean, network.dense.first)
        rectify(first)
        let second = product(first, network.dense.second)
        let around = product(mean, network.skips.first)
        for row in counts.indices { second.addRow(row, around, row) }
        rectify(second)
        let third = product(second, network.dense.third)
        rectify(third)
        let vectors = product(third, network.dense.fourth)
        let last = product(second, network.skips.third)
        for row in counts.indices {
            vectors.addRow(row, last, row)
            vectors.changeRow(row) { _, value in tanhf(value) }
            vectors.unitRow(row, epsilon: network.epsilon)
        }
        return counts.indices.map { vectors[$0] }
    }
}

extension SentencePass {
    /// What is computed at a time: parts of texts, and the rows they take.
    private struct Step {
        struct Part {
            var text: Int
            /// The places whose results are summed.
            var own: Range<Int>
            /// With the neighbours that the second convolution looks at.
            var seen: Range<Int>
            /// With their neighbours, which the first convolution looks at.
            var read: Range<Int>
            /// The row of the first place seen.
            var start: Int
            /// Rows of 0 that stand for what comes after the text.
            var rowsAfter: Range<Int>

            func row(of place: Int) -> Int { start + place - seen.lowerBound }
        }

        private(set) var parts: [Part] = []
        /// How many rows are taken; two of 0 before all texts.
        private(set) var count = SentenceNetwork.reach

        /// How many places of a text still fit, with neighbours on both sides and rows of 0 behind.
        func room(atMost rows: Int) -> Int { rows - count - 3 * SentenceNetwork.reach }

        mutating func add(text: Int, _ own: Range<Int>, of total: Int) {
            let reach = SentenceNetwork.reach
            let seen = max(0, own.lowerBound - reach)..<min(total, own.upperBound + reach)
            let read = max(0, seen.lowerBound - reach)..<min(total, seen.upperBound + reach)
            let afterEnd = count + seen.count + reach
            parts.append(
                Part(
                    text: text, own: own, seen: seen, read: read, start: count,
                    rowsAfter: count + seen.count..<afterEnd))
            count = afterEnd
        }
    }
}
