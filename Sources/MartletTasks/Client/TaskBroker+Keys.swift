import MartletLogic
import MartletNet
import MartletWire

/// A place among the tasks of a key, of which all clients of the broker together run so many. It is the message's as
/// long as its lease stands: ending the message, giving it back and losing it free the place.
package struct KeyPlace: Sendable, Equatable {
    package var key: String
    package var limit: Int
    package var receipt: Receipt

    package init(key: String, limit: Int, receipt: Receipt) {
        self.key = key
        self.limit = limit
        self.receipt = receipt
    }
}

extension TaskBroker {
    /// Whether each has its place now.
    package func enter(_ places: [KeyPlace]) async throws -> [Bool] {
        guard !places.isEmpty else { return [] }
        var pipeline = RedisPipeline()
        let keys = places.map { prefix + "martlet.key:" + $0.key }
        begin(.enter, lists: keys, arguments: 3 * places.count, in: &pipeline)
        for place in places {
            write(place.receipt, into: &pipeline)
            pipeline.word(Int64(place.limit))
        }
        return try verdicts(in: try await lastOfScript(pipeline), count: places.count)
    }
}
