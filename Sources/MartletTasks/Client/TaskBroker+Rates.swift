package import MartletLogic
import MartletNet
import MartletWire

extension TaskBroker {
    /// How many tasks may begin by rates that all clients of the broker keep together, and for how long no more may.
    package func mayBegin(
        _ wishes: [(rule: SharedRateRule, count: Int)]
    ) async throws -> [(count: Int, wait: Duration)] {
        var answers: [(count: Int, wait: Duration)] = []
        for (rule, count) in wishes {
            let rate = rule.rate
            var pipeline = RedisPipeline()
            begin(.rate, lists: [prefix + "martlet.rate:" + rule.key], arguments: 3, in: &pipeline)
            pipeline.word(rate.distance)
            pipeline.word(rate.burst)
            pipeline.word(Int64(count))
            let reply = try await lastOfScript(pipeline)
            guard case .array(let values) = reply, values.count == 2, case .integer(let granted) = values[0],
                case .integer(let wait) = values[1]
            else { throw strange }
            answers.append((Int(granted), .microseconds(wait)))
        }
        return answers
    }
}
