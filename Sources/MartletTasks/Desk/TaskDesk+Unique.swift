import MartletBase
import MartletLogic
import MartletWire
import NIOCore

// No second task of one key while the first one is not over.
extension TaskDesk {
    /// Who claimed a key and sent nothing for so long will not.
    private static let patience: Duration = .seconds(10)

    static func uniqueKey(_ key: String) -> String { UniqueHold.place(key) }

    /// Claims a key for a task that is about to be sent.
    ///
    /// - Parameter lifetime: how long the claim holds at most, in seconds.
    /// - Returns: the task that has the key, if it is another one.
    func claimUnique(_ key: String, for id: String, lifetime: String) async throws -> String? {
        let place = Self.uniqueKey(key)
        let end = ContinuousClock.now + Self.patience
        while true {
            let answers = try await ask([command("SET", place, id, "NX", "EX", lifetime), command("GET", place)])
            for case .error(let text) in answers { throw Self.refusal(text) }
            if answers[0].string == "OK" { return nil }
            guard let former = answers[1].string else { continue }
            if former == id { return nil }
            switch try await standing(of: former) {
            case .alive: return former
            case .unsent where ContinuousClock.now < end: try await Task.sleep(for: .milliseconds(50))
            case .unsent, .over:
                let swap = try await ask([
                    command("GETSET", place, id), command("EXPIRE", place, lifetime),
                ])
                for case .error(let text) in swap { throw Self.refusal(text) }
                guard let present = swap[0].string, present != former, present != id else { return nil }
                // Another one was faster: the key stays its own.
                _ = try await ask([command("SET", place, present, "EX", lifetime)])
                return present
            }
        }
    }

    private enum Standing { case unsent, alive, over }

    private func standing(of id: String) async throws -> Standing {
        let state = try await result(of: id)?["status"]?.plainText
        if let state { return TaskState.isReady(state) ? .over : .alive }
        return try await ask([command("EXISTS", Self.memo(id))]).first?.wholeNumber == 1 ? .alive : .unsent
    }
}
