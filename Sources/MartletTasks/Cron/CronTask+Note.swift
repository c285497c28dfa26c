import MartletBase
import MartletLogic
import MartletWire

// What the broker keeps of entries: whoever leads writes down what it has, for those who ask the broker alone.
extension CronTask {
    /// `{"schedule", "every_ms", "timezone", "catch_up", "expires_s", "submission"}`; the last as `POST /tasks` has it.
    ///
    /// - Parameter queue: where its tasks go.
    func note(queue: String) -> JSONValue {
        var note: JSONValue = [
            "schedule": .string(text), "timezone": .string(zone), "catch_up": .string(catchUp.rawValue),
            "submission": [
                "task": .string(submission.name), "args": .array(submission.arguments),
                "kwargs": .object(submission.keywordArguments), "queue": .string(queue),
                "priority": .integer(Int64(submission.priority)),
            ],
        ]
        if case .every(let milliseconds) = schedule { note["every_ms"] = .integer(milliseconds) }
        if let expires { note["expires_s"] = .number(expires.inSeconds) }
        return note
    }

    /// nil: that is no such note.
    init?(_ name: String, note: JSONValue) {
        guard let text = note["schedule"]?.plainText, let body = note["submission"],
            let submission = try? TaskSubmission(body, now: 0)
        else { return nil }
        if case .integer(let milliseconds)? = note["every_ms"], milliseconds > 0 {
            self.init(name, .every(milliseconds), text: text, submission: submission)
        } else if let schedule = try? CronSchedule(text) {
            self.init(name, .calendar(schedule), text: text, submission: submission)
        } else {
            return nil
        }
        zone = note["timezone"]?.plainText ?? zone
        catchUp = note["catch_up"]?.plainText.flatMap { CatchUp(rawValue: $0) } ?? catchUp
        expires = note["expires_s"]?.double.map { .seconds($0) }
    }
}
