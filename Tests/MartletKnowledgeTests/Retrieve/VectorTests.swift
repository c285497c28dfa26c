import MartletLogic
import Testing

@testable import MartletKnowledge

@Suite("Vectors of a knowledge base")
struct VectorTests {
    @Test("Every way of the processor has the same dot products", arguments: [(1, 1), (3, 5), (9, 6), (4, 64)])
    func dots(rows: Int, queries: Int) {
        var random = Seeded(7)
        for dimensions in [1, 64, 65, 384, 512] {
            let stride = VectorKernels.stride(dimensions)
            // The extremes, too: pairs of them must not overflow on the way.
            let row = (0..<rows * stride).map { _ -> UInt8 in
                [1, 255, UInt8.random(in: 1...255, using: &random)].randomElement(using: &random) ?? 1
            }
            let query = (0..<queries * stride).map { index -> Int8 in
                index % stride < dimensions
                    ? [-127, 127, Int8.random(in: -127...127, using: &random)].randomElement(using: &random) ?? 0 : 0
            }
            var expected: [Int32] = []
            for q in 0..<queries {
                for r in 0..<rows {
                    expected.append(
                        (0..<stride).reduce(0) {
                            $0 + (Int32(row[r * stride + $1]) - 128) * Int32(query[q * stride + $1])
                        })
                }
            }
            for kernels in VectorKernels.all {
                var dots = [Int32](repeating: 0, count: rows * queries)
                var span = dots.mutableSpan
                kernels.dots(row.span, query.span, stride: stride, into: &span)
                #expect(dots == expected, "\(kernels)")
            }
        }
    }

    @Test("Every way of the processor multiplies floats alike", arguments: [0, 1, 31, 32, 100, 512])
    func floats(count: Int) {
        var random = Seeded(3)
        let (left, right) = (Vectors.random(count, &random), Vectors.random(count, &random))
        let expected = zip(left, right).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        for kernels in VectorKernels.all {
            #expect(abs(Double(kernels.dot(left.span, right.span)) - expected) < 1e-5)
        }
    }

    @Test("Rows at or above a bound are picked, in their order", arguments: [0, 5, 16, 100])
    func pick(count: Int) {
        let dots = (0..<count).map { Int32($0 * 37 % 50) }
        let scales = (0..<count).map { Float($0 % 3) }
        var picked = [UInt32](repeating: 0, count: count)
        var span = picked.mutableSpan
        let found = VectorKernels.pick(dots.span, scales.span, factor: 0.5, least: 20, into: &span)
        let expected = dots.indices.filter { Float(dots[$0]) * scales[$0] * 0.5 >= 20 }.map { UInt32($0) }
        #expect(Array(picked.prefix(found)) == expected)
    }

    /// Spread evenly, in clusters that are nearly alike, and all but one alike.
    @Test("The best rows are those of the floats, all of them", arguments: ["even", "clusters", "alike"])
    func exact(kind: String) {
        var random = Seeded(11)
        let dimensions = 96
        let centres = (0..<5).map { _ in Vectors.random(dimensions, &random) }
        let rows = (0..<3000).map { row -> [Float] in
            switch kind {
            case "even": Vectors.random(dimensions, &random)
            case "clusters": Vectors.near(centres[row % 5], by: 0.02, &random)
            default: row == 1234 ? centres[1] : centres[0]
            }
        }
        // Two segments, some rows not admitted.
        let segments = [rows[..<1700], rows[1700...]].map {
            VectorRows(Array($0), dimensions: dimensions)
        }
        var admitted = [RowSet(rows: 1700, full: true), RowSet(rows: 1300, full: true)]
        admitted[0].remove(100..<150)
        let isAdmitted = { (row: Int) in !(100..<150).contains(row) }
        let questions = (0..<9).map { index in
            index < 5 ? Vectors.near(centres[index], by: 0.05, &random) : Vectors.random(dimensions, &random)
        }
        var scan = VectorScan()
        let found = scan.best(
            questions.map { VectorQuestion($0, count: 10, admitted: admitted) }, in: segments)
        for (question, found) in zip(questions, found) {
            let cosines = rows.map { VectorKernels.best.dot($0.span, question.span) }
            let expected = rows.indices.filter(isAdmitted).map { cosines[$0] }.sorted(by: >).prefix(10)
            #expect(found.map(\.score) == Array(expected))
            #expect(found.allSatisfy { cosines[$0.segment * 1700 + $0.row] == $0.score })
        }
    }
}

/// The same numbers each time.
private struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 33
    }
}

private enum Vectors {
    /// Of length 1.
    static func random(_ count: Int, _ random: inout Seeded) -> [Float] {
        unit((0..<count).map { _ in Float.random(in: -1...1, using: &random) })
    }

    static func near(_ vector: [Float], by distance: Float, _ random: inout Seeded) -> [Float] {
        unit(vector.map { $0 + Float.random(in: -distance...distance, using: &random) })
    }

    private static func unit(_ vector: [Float]) -> [Float] {
        let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return length > 0 ? vector.map { $0 / length } : vector
    }
}
