import MartletBase
import MartletConsole
import MartletExchange
import MartletNet
import MartletTasks
import MartletWire
import NIOCore

/// `/queues`: how queues stand; `/queues/NAME`, its dead letters (`/dead`) and the way back for them (`/dead/replay`).
final class QueuesEndpoint: LocalHandler {
    static let path = "/queues"
    private static let mostListed = 500

    private let desk: TaskDesk

    init(_ desk: TaskDesk) {
        self.desk = desk
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        let parts = try request.parts(after: Self.path)
        if let name = parts.first, !TaskName.isValid(name) { throw MartletError(.notFound) }
        switch (parts.count, parts.dropFirst()) {
        case (0, _):
            try request.must(be: .get)
            let looks = try await desk.queues()
            return .json(JSONValue.object(["queues": .array(looks.map(\.json))]).text)
        case (1, _):
            try request.must(be: .get)
            return .json(try await desk.queue(parts[0]).json.text)
        case (2, ["dead"]):
            try request.must(be: .get)
            let query = try RequestQuery(request, knows: ["limit", "next"])
            let limit = try query.count("limit", in: 1...Self.mostListed, or: 50)
            let offset = try query.count("next", in: 0...Int(Int32.max), or: 0)
            return .json(try await desk.deadLetters(of: parts[0], after: offset, limit: limit).text)
        case (3, ["dead", "replay"]):
            return try await replay(parts[0], request)
        default: throw MartletError(.notFound)
        }
    }

    private func replay(_ queue: String, _ request: LocalRequest) async throws -> LocalResponse {
        try request.must(be: .post)
        try request.mayChange()
        let (ids, limit) = try ReplayOrder.read(request.body.readableBytesView)
        let replayed = try await desk.replay(queue, ids: ids, limit: limit)
        let text: JSONValue = [
            "queue": .string(queue), "replayed": .integer(Int64(replayed.count)),
            "ids": .array(replayed.map { .string($0) }),
        ]
        return .json(text.text)
    }
}
