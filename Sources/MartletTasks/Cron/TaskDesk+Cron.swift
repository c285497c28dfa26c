import Foundation
import MartletLogic
package import MartletWire

// What people see of entries that fire again and again, and do with them.
extension TaskDesk {
    /// `{"leader", "entries": [{"name", "last_run", "next_run", …}]}`, of what whoever led last has.
    package func cron(now: Int64 = nowMilliseconds) async throws -> JSONValue {
        let answer = try await ask([command("HGETALL", CronBook.entriesKey)]).first
        if case .error(let text)? = answer { throw Self.refusal(text) }
        let date = Date(timeIntervalSince1970: Double(now) / 1000)
        let tasks = CronBook.fields(of: answer).compactMap { name, note in
            JSONValue.parsed(note.utf8).flatMap { CronTask(name, note: $0) }
        }
        return try await cron(tasks.map { ($0, $0.entry(now: date).times) }, now: now)
    }

    /// The same of these entries.
    func cron(_ entries: [(task: CronTask, times: CronTimes)], now: Int64) async throws -> JSONValue {
        let answers = try await ask([
            command("GET", CronBook.leaseKey), command("HGETALL", CronBook.timesKey),
            command("HGETALL", CronBook.runsKey),
        ])
        for case .error(let text) in answers { throw Self.refusal(text) }
        let (done, runs) = (CronBook.times(of: answers[1]), CronBook.times(of: answers[2]))
        let leader = answers[0].string?.split(separator: " ", maxSplits: 1).last.map { String($0) }
        let shown = entries.sorted { $0.task.name < $1.task.name }.map { task, times -> JSONValue in
            [
                "name": .string(task.name), "schedule": .string(task.text), "timezone": .string(task.zone),
                "task": .string(task.submission.name), "queue": .string(queue(of: task.submission)),
                "catch_up": .string(task.catchUp.rawValue), "last_run": Self.text(runs[task.name]),
                "next_run": Self.text(times.next(after: done[task.name] ?? now)),
            ]
        }
        return ["leader": .optional(leader), "entries": .array(shown)]
    }

    private static func text(_ time: Int64?) -> JSONValue {
        .optional(time.map { CeleryTime.text(milliseconds: $0) })
    }

    /// Hands in the task of an entry that whoever led last has, now; its times stay as they are. nil: there is none.
    package func runCron(_ name: String, now: Int64 = nowMilliseconds) async throws -> SubmittedTask? {
        let answer = try await ask([command("HGET", CronBook.entriesKey, name)]).first
        if case .error(let text)? = answer { throw Self.refusal(text) }
        guard let text = answer?.string, let note = JSONValue.parsed(text.utf8), let task = CronTask(name, note: note)
        else { return nil }
        return try await submit(task.submission(at: now))
    }
}
