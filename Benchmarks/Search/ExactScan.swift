/// The nearest of all vectors to each question, by every product of every pair.
struct ExactScan {
    private struct Found {
        var key: [UInt8]
        var product: Float
    }

    private let questions: [[Float]]
    private let limit: Int
    /// For each question, the nearest first.
    private var nearest: [[Found]]

    init(_ questions: [[Float]], limit: Int) {
        self.questions = questions
        self.limit = limit
        nearest = questions.map { _ in [] }
    }

    /// Of all questions together.
    var count: Int { nearest.reduce(0) { $0 + $1.count } }

    func best(of question: Int) -> Set<[UInt8]> { Set(nearest[question].map(\.key)) }

    mutating func offer(_ key: [UInt8], _ vector: [Float]) {
        for (number, question) in questions.enumerated() {
            let product = Self.dot(question, vector)
            let last = nearest[number].last?.product ?? -.infinity
            guard product > last || nearest[number].count < limit else { continue }
            let place = nearest[number].firstIndex { $0.product < product } ?? nearest[number].endIndex
            nearest[number].insert(Found(key: key, product: product), at: place)
            if nearest[number].count > limit { nearest[number].removeLast() }
        }
    }

    private static func dot(_ left: [Float], _ right: [Float]) -> Float {
        var sum: Float = 0
        for index in 0..<min(left.count, right.count) { sum += left[index] * right[index] }
        return sum
    }
}
