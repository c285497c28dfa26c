import MartletGateway
import MartletNet
import MartletWire
import NIOCore

/// The JSON of each event of a model's stream, until `[DONE]`.
struct ModelEvents: AsyncSequence {
    typealias Element = JSON

    /// The longest event that is read, in bytes.
    private static let bound = 1 << 20

    private let body: InnerBody

    init(_ body: InnerBody) { self.body = body }

    struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var body: InnerBody.AsyncIterator
        private var lines = LineSplitter(limit: ModelEvents.bound)
        private var waiting: [String] = []
        private var isOver = false

        fileprivate init(_ body: InnerBody.AsyncIterator) { self.body = body }

        mutating func next() async throws -> JSON? {
            while true {
                if !waiting.isEmpty {
                    let data = waiting.removeFirst()
                    if data == "[DONE]" { return nil }
                    return try JSON.parse(data.utf8)
                }
                guard !isOver else { return nil }
                var found: [String] = []
                if let piece = try await body.next() {
                    lines.take(piece.readableBytesView) { found.append($0) }
                } else {
                    isOver = true
                    lines.finish { found.append($0) }
                }
                waiting = found.compactMap { line in
                    guard line.hasPrefix("data:") else { return nil }
                    return String(line.dropFirst("data:".count).drop { $0 == " " })
                }
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body.makeAsyncIterator()) }
}
