import MartletBase
import Testing

@testable import MartletKnowledge

/// The kernels against plain arithmetic, for every kernel that this machine has.
@Suite struct MatrixTests {
    private static let kernels = MatrixKernel.allCases.filter(\.isHere)

    private static func random(_ rows: Int, _ columns: Int, seed: UInt64) -> [[Float]] {
        var random = SplitMix64(seed: seed)
        return (0..<rows).map { _ in
            (0..<columns).map { _ in Float(Int.random(in: -1000...1000, using: &random)) / 1000 }
        }
    }

    private static func floats(_ matrix: [[Float]]) -> Floats {
        let floats = Floats(rows: matrix.count, columns: matrix[0].count)
        for (row, values) in matrix.enumerated() { floats.changeRow(row) { column, _ in values[column] } }
        return floats
    }

    private static func isNear(_ one: [Float], _ other: [Float], within bound: Float = 1e-3) -> Bool {
        one.count == other.count && zip(one, other).allSatisfy { abs($0 - $1) <= bound }
    }

    /// Heights around those of the kernels' tiles, widths that fill a panel and do not, depths across a cache block.
    @Test(arguments: kernels)
    func everyKernelMultipliesAsSumsDo(kernel: MatrixKernel) {
        let sizes = [(1, 1, 1), (5, 16, 16), (13, 257, 33), (29, 600, 48), (12, 3, 15), (7, 256, 31)]
        for (count, depth, columns) in sizes {
            let (left, right) = (Self.random(count, depth, seed: 1), Self.random(depth, columns, seed: 2))
            let bias = Self.random(1, columns, seed: 3)
            let result = Floats(rows: count + 1, columns: columns)
            result.multiply(
                row: 1, count: count, Self.floats(left), stride: depth,
                by: PackedMatrix(rows: depth, columns: columns, right.flatMap { $0 }), bias: Self.floats(bias),
                kernel: kernel)
            #expect(result[0] == [Float](repeating: 0, count: columns))
            for (row, values) in left.enumerated() {
                let expected = (0..<columns).map { column in
                    values.indices.reduce(bias[0][column]) { $0 + values[$1] * right[$1][column] }
                }
                #expect(Self.isNear(result[row + 1], expected), "\(count) × \(depth) × \(columns), row \(row)")
            }
        }
    }

    @Test(arguments: kernels)
    func rowsThatOverlapMakeAConvolution(kernel: MatrixKernel) {
        let (steps, weights) = (Self.random(9, 16, seed: 4), Self.random(48, 16, seed: 5))
        let result = Floats(rows: 7, columns: 16)
        result.multiply(
            row: 0, count: 7, Self.floats(steps), stride: 16,
            by: PackedMatrix(rows: 48, columns: 16, weights.flatMap { $0 }), kernel: kernel)
        for row in 0..<7 {
            let seen = steps[row] + steps[row + 1] + steps[row + 2]
            let expected = (0..<16).map { column in
                seen.indices.reduce(Float(0)) { $0 + seen[$1] * weights[$1][column] }
            }
            #expect(Self.isNear(result[row], expected))
        }
    }

    @Test func aRowIsNormalizedToMeanZeroAndVarianceOne() {
        let rows = Self.floats([[1, 2, 3, 6] + [Float](repeating: 3, count: 15)])
        let gain = Floats(row: [Float](repeating: 2, count: 19))
        let bias = Floats(row: [Float](repeating: 5, count: 19))
        rows.normalizeRow(0, gain: gain, bias: bias, epsilon: 1e-6)
        let values = rows[0].map { Double($0 - 5) / 2 }
        #expect(abs(values.reduce(0, +)) < 1e-4)
        #expect(abs(values.reduce(0) { $0 + $1 * $1 } / 19 - 1) < 1e-4)
        #expect(values[3] > values[2] && abs(values[2] - values[4]) < 1e-6)
    }

    @Test func whatIsBelowZeroIsCutBeforeTheResidualIsAdded() {
        let rows = Self.floats([[-1, 2, -3], [10, 20, 30]])
        rows.rectifyRow(0, rows, 0, plus: rows, 1)
        #expect(rows[0] == [10, 22, 30])
        rows.unitRow(0, epsilon: 1e-9)
        #expect(abs(rows[0].reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
    }
}
