import MartletBase
import MartletLogic
import MartletTasks
import MartletWire

/// Decodes `tasks.cron`.
struct CronDecoder {
    func tasks(in section: Section) -> [CronTask] {
        section.namedSections("cron").compactMap { name, section in
            guard TaskName.isValid(name), name.utf8.count <= 200 else {
                section.refuse("has a name that is not 1 to 200 characters")
                return nil
            }
            return task(name, section)
        }
    }

    private func task(_ name: String, _ section: Section) -> CronTask? {
        let called = section.taskName("task")
        var submission = TaskSubmission(name: called ?? name)
        submission.queue = section.queueName("queue")
        submission.priority = section.count("priority", in: 0...9) ?? 0
        submission.arguments = section.list("args").map { Self.json($0.node) }
        if let item = section.item("kwargs"), !item.node.isNull {
            if case .object(let named) = Self.json(item.node) {
                submission.keywordArguments = named
            } else {
                section.refuse("must be a mapping of names", at: item)
            }
        }
        let written = section.text("schedule")
        let period = section.duration("every", in: .seconds(1)...(.seconds(366 * 86_400)))
        let zone = section.value("timezone", "must be a time zone such as Europe/Berlin") { text in
            CronZone(named: text) == nil ? nil : text
        }
        let catchUp = section.choice("catch_up", CatchUp.self)
        let expires = section.duration("expires", in: .seconds(1)...(.seconds(366 * 86_400)))
        section.require("task")
        guard let (schedule, text) = schedule(section, written, period) else { return nil }
        var task = CronTask(name, schedule, text: text, submission: submission)
        task.zone = zone ?? task.zone
        task.expires = expires
        task.catchUp = catchUp ?? task.catchUp
        return task
    }

    private func schedule(
        _ section: Section, _ written: String?, _ period: Duration?
    ) -> (CronTask.Schedule, String)? {
        guard section.has("schedule") != section.has("every") else {
            section.refuse("needs either `schedule`, such as \"*/5 * * * *\", or `every`, such as 30s")
            return nil
        }
        if let period { return (.every(Int64(period.inSeconds * 1000)), "every \(period.text)") }
        guard let written else { return nil }
        guard let schedule = try? CronSchedule(written), schedule.next(after: 0) != nil else {
            section.refuse("must be minute, hour, day, month and weekday, such as \"*/5 * * * *\"", at: "schedule")
            return nil
        }
        return (.calendar(schedule), written)
    }

    /// A value as YAML means it: without quotes, numbers, `true`, `false` and `null` are that.
    private static func json(_ node: ConfigurationNode) -> JSONValue {
        switch node.value {
        case .list(let nodes): return .array(nodes.map(json))
        case .mapping(let entries):
            return .object(Dictionary(entries.map { ($0.key, json($0.node)) }) { $1 })
        case .scalar(let scalar):
            guard !node.isNull else { return .null }
            guard scalar.isPlain else { return .string(scalar.text) }
            switch scalar.text.lowercased() {
            case "true": return .bool(true)
            case "false": return .bool(false)
            default: break
            }
            if let number = Int64(scalar.text) { return .integer(number) }
            let isNumber = scalar.text.allSatisfy { $0.isNumber || "+-.eE".contains($0) }
            if isNumber, let number = Double(scalar.text), number.isFinite { return .number(number) }
            return .string(scalar.text)
        }
    }
}
