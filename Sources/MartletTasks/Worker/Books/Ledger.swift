import Logging
import MartletNet
import MartletWire
import NIOCore

/// Writes what has to be there before a message is acknowledged: results, the sizes and parts of chords. Each step may
/// be taken twice, so that whoever was interrupted takes all of them again.
struct Ledger: Sendable {
    let broker: TaskBroker
    /// Where results and chords are kept.
    let results: TaskBroker
    let books: TaskBooks
    let logger: Logger

    func take(_ steps: FirstSteps) async throws {
        try await prepare(sizes: steps.chordSizes, groups: steps.savedGroups)
        try await results.tell(steps.results.map { StateNews($0) })
        for part in steps.parts { try await add(part) }
        if !steps.publishing.isEmpty { try await broker.publish(steps.publishing) }
    }

    /// What the tasks that follow need to find.
    func prepare(_ steps: CanvasSteps) async throws {
        try await prepare(sizes: steps.chordSizes, groups: steps.savedGroups)
    }

    private func prepare(sizes: [CanvasSteps.ChordSize], groups: [CanvasSteps.SavedGroup]) async throws {
        let seconds = String(books.resultExpires.components.seconds)
        let isKept = books.resultExpires.components.seconds > 0
        var commands: [[ByteBuffer]] = []
        for size in sizes {
            commands.append(command("DEL", results.keyed(size.claimKey)))
            commands.append(
                command(["SET", results.keyed(size.sizeKey), String(size.size)] + (isKept ? ["EX", seconds] : [])))
        }
        for group in groups {
            commands.append(
                [ByteBuffer(string: "SET"), ByteBuffer(string: results.keyed(group.key)), ByteBuffer(bytes: group.json)]
                    + (isKept ? command("EX", seconds) : []))
        }
        try await results.accepted(commands)
    }

    func state(of id: String) async throws -> MartletWire.TaskState {
        guard let stored = try await results.result(of: id) else { return .pending }
        return (try? TaskResult(parsing: Array(buffer: stored)))?.state ?? .pending
    }
}

extension TaskBroker {
    /// The replies to commands none of which may be refused.
    @discardableResult
    func accepted(_ commands: [[ByteBuffer]]) async throws -> [RESPValue] {
        try await run(commands).accepted()
    }
}
