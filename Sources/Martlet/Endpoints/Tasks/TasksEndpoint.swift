import Foundation
import MartletBase
import MartletConsole
import MartletExchange
import MartletLogic
import MartletNet
import MartletTasks
import MartletWire
import NIOCore

/// `/tasks`: hand a task in (`POST`), list those that are remembered (`GET`), call many off (`DELETE`).
final class TasksEndpoint: LocalHandler {
    static let path = "/tasks"
    private static let mostListed = 500
    private static let parameters: Set = [
        "state", "name", "queue", "worker", "search", "since", "until", "limit", "next",
    ]

    private let desk: TaskDesk
    private let door: RequestDoor

    init(_ desk: TaskDesk, door: RequestDoor) {
        (self.desk, self.door) = (desk, door)
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        switch request.method {
        case .post: return try await submit(request)
        case .get, .head: return try await list(request)
        case .delete: return try await cancel(request)
        default: throw MartletError.wrongMethod(allow: ["DELETE", "GET", "HEAD", "POST"])
        }
    }

    private func submit(_ request: LocalRequest) async throws -> LocalResponse {
        try request.mayChange()
        guard let body = try? JSON.parse(request.body.readableBytesView) else {
            throw MartletError(.invalidBody, cause: "the body is no JSON")
        }
        var submission = try TaskSubmission(body, now: TaskDesk.nowMilliseconds)
        if let key = request.headers.value(.idempotencyKey) {
            guard submission.idempotencyKey.map({ $0 == key }) ?? true, TaskName.isValid(key) else {
                throw MartletError(.badRequest, cause: "Idempotency-Key is not a text of 1 to 255 characters")
            }
            submission.idempotencyKey = key
        }
        return Self.answer(try await desk.submit(try door.admit(submission, from: request)))
    }

    /// 202 for one that was handed in, 200 for one that was there already.
    static func answer(_ task: SubmittedTask) -> LocalResponse {
        let place = Self.place(of: task.id)
        let text: JSONValue = [
            "id": .string(task.id), "queue": .string(task.queue), "location": .string(place),
            "duplicate": .bool(!task.isNew),
        ]
        var response = LocalResponse.json(text.text, status: task.isNew ? 202 : 200)
        response.headers = [("Location", place)]
        return response
    }

    /// The path of a task.
    static func place(of id: String) -> String {
        "\(path)/" + (id.addingPercentEncoding(withAllowedCharacters: .urlPathComponent) ?? id)
    }

    private func cancel(_ request: LocalRequest) async throws -> LocalResponse {
        try request.mayChange()
        let query = try RequestQuery(request, knows: ["state", "name", "queue", "limit", "terminate"])
        let filter = try query.taskFilter()
        guard filter.state != nil || filter.name != nil || filter.queue != nil else {
            throw MartletError(.badRequest, cause: "say which: `name`, `state` or `queue`")
        }
        let limit = try query.count("limit", in: 1...TaskDesk.mostCancelled, or: TaskDesk.mostCancelled)
        return .json(
            try await desk.cancel(filter, limit: limit, terminate: try query.flag("terminate", or: true)).text)
    }

    private func list(_ request: LocalRequest) async throws -> LocalResponse {
        let query = try RequestQuery(request, knows: Self.parameters)
        let limit = try query.count("limit", in: 1...Self.mostListed, or: 50)
        let filter = try query.taskFilter()
        // What waits is asked of the queue itself: events do not tell it all.
        if filter.state == TaskState.pending, let queue = filter.queue, filter.name == nil, filter.text == nil,
            filter.from == nil, filter.until == nil
        {
            let offset = try query.count("next", in: 0...Int(Int32.max), or: 0)
            return .json(try await desk.waiting(on: queue, after: offset, limit: limit).text)
        }
        let before = try query.text("next").map { text throws(MartletError) in
            guard let number = UInt64(text) else { throw MartletError(.badRequest, cause: "`next` is of no page") }
            return number
        }
        return .json(try await desk.tasks(filter, before: before, limit: limit).text)
    }
}

extension CharacterSet {
    /// What stands for itself between two slashes.
    fileprivate static let urlPathComponent = CharacterSet.urlPathAllowed.subtracting(CharacterSet(charactersIn: "/;"))
}
