package import MartletLogic
import MartletNet
import MartletWire
import NIOCore

/// A unique key, and the task that has it or wants it.
package struct UniqueHold: Sendable, Equatable {
    package var key: String
    package var task: String
    package var rule: UniqueRule

    package init(key: String, task: String, rule: UniqueRule = UniqueRule(until: .finished)) {
        self.key = key
        self.task = task
        self.rule = rule
    }

    /// Where the broker keeps who has it.
    package var place: String { Self.place(key) }

    package static func place(_ key: String) -> String { "martlet-unique-\(key)" }
}

extension TaskBroker {
    /// Claims keys for tasks. Whose they are, in their order: the same task, or one that was there before.
    package func claim(_ holds: [UniqueHold]) async throws -> [String] {
        guard !holds.isEmpty else { return [] }
        var pipeline = RedisPipeline()
        begin(.claim, lists: holds.map { prefix + $0.place }, arguments: 2 * holds.count, in: &pipeline)
        for hold in holds {
            pipeline.word(hold.task)
            pipeline.word(max(hold.rule.milliseconds / 1000, 1))
        }
        let reply = try await lastOfScript(pipeline)
        guard case .array(let owners) = reply, owners.count == holds.count else { throw strange }
        return owners.map { $0.string ?? "" }
    }

    /// Frees a key, if it is still the task's.
    package func free(_ hold: UniqueHold) async throws {
        var pipeline = RedisPipeline()
        begin(.free, lists: [prefix + hold.place], arguments: 1, in: &pipeline)
        pipeline.word(hold.task)
        _ = try await lastOfScript(pipeline)
    }
}
