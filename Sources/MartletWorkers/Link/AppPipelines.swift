package import MartletBase

/// The APIs of an app in the order in which a request goes through them: an API alone is a pipeline of one stage.
package struct AppPipelines: Sendable {
    /// In the app's order; each one's first stage is what clients ask.
    package let all: [[WorkerAPI]]

    /// - Throws: `workerFailed`, when what the app says of its stages makes no sense.
    package init(_ apis: [WorkerAPI]) throws(MartletError) {
        let later = apis.compactMap(\.then)
        var left = Set(apis.map(\.name))
        guard left.count == apis.count else { throw Self.refusal("two of its APIs have one name") }
        var all: [[WorkerAPI]] = []
        for first in apis where !later.contains(first.name) {
            var stages = [first]
            left.remove(first.name)
            while let stage = stages.last, let then = stage.then {
                guard let next = apis.first(where: { $0.name == then }) else {
                    throw Self.refusal("the stage after \(stage.name), \(then), is not there")
                }
                guard !stage.isStream else {
                    throw Self.refusal("\(stage.name) streams, and only the last stage of a pipeline can")
                }
                guard left.remove(then) != nil else { throw Self.refusal("\(then) is a stage twice") }
                stages.append(next)
            }
            all.append(stages)
        }
        // Each of them comes after another one.
        if let name = left.min() { throw Self.refusal("\(name) is a stage after itself") }
        self.all = all
    }

    private static func refusal(_ why: String) -> MartletError {
        MartletError(.workerFailed, operation: "read the APIs of an app", cause: why)
    }
}
