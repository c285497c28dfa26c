import MartletBase

/// The part that a task is of a chord: what is said when it is done, to the three scripts of Celery 5.7. Older workers
/// count the same parts.
public struct ChordPart: Sendable, Hashable {
    /// The id of the group that is the chord's header.
    public var group: String
    public var taskID: String
    /// Its place among the results; nil: at the end.
    public var index: Int?
    /// What runs when all parts are there.
    public var body: Signature

    /// nil: the task is no part of a chord.
    public init?(of message: TaskMessage) {
        guard let body = message.embed.chord, let group = message.group, !group.isEmpty else { return nil }
        self.group = group
        taskID = message.id
        index = message.groupIndex
        self.body = body
    }

    /// Of a step that did not come to run.
    init?(_ signature: Signature) {
        let options = signature.options
        guard let group = options["group_id"]?.string, let id = signature.id,
            let body = options.present("chord").flatMap({ try? Signature($0) })
        else { return nil }
        self.group = group
        taskID = id
        index = options["group_index"]?.integer
        self.body = body
    }

    /// How long what is kept of a chord lives, in seconds; Celery's own settings.
    public struct Lifetimes: Sendable, Hashable {
        /// Of the parts (`result_chord_expires`, or as long as results).
        public var parts = 86_400
        /// Of a group that was saved: as long as its results at least.
        public var group = 86_400
        /// Of the claim to publish the body, until its publisher counts as gone.
        public var claim = 6
        /// Of the claim once publishing begins.
        public var publishing = 21
        /// Of the mark that the body is published, so that a part that comes twice does no harm.
        public var done = 300

        public init() {}
    }

    /// What is said of a part that is done: `[1, id, state, result]`.
    ///
    /// - Parameter result: The value, or ``TaskFailure/json``.
    public func value(_ state: TaskState, _ result: RawJSON) -> [UInt8] {
        var writer = PythonJSON(reserving: result.bytes.count + 64)
        writer.put("[1, ")
        writer.write(taskID)
        writer.put(", ")
        writer.write(state.rawValue)
        writer.put(", ")
        writer.write(result)
        writer.put("]")
        return writer.bytes
    }

    /// The keys of the script that counts a part.
    public var partKeys: [String] { [".j", ".t", ".s", ".d", "", ".c"].map { TaskResult.groupKey(group, $0) } }

    /// The arguments of the script that counts a part, which is answered with ``Progress``.
    ///
    /// - Parameter token: Names who claims the right to publish the body; another each time.
    public func partArguments(
        _ state: TaskState, _ result: RawJSON, token: String, _ lifetimes: Lifetimes = Lifetimes()
    ) -> [[UInt8]] {
        let place = index.map { String($0) } ?? "+inf"
        let rest = [
            "1", place, String(lifetimes.parts), String(lifetimes.group), String(lifetimes.claim), token,
        ]
        return [Array(taskID.utf8), value(state, result)] + rest.map { Array($0.utf8) }
    }

    /// What the script that counts a part answers.
    public struct Progress: Sendable, Hashable {
        /// All parts are there, and the body is ours to publish.
        public var isOurs: Bool
        /// The body is published already.
        public var isDone: Bool

        /// - Parameter reply: The four numbers: ready, added, size, claimed. The size is nil as long as it is not set.
        public init(ready: Int, added: Int?, size: Int?, claimed: Int) {
            isDone = ready == -1
            isOurs = size.map { ready == $0 + (added ?? 0) && claimed == 1 } ?? false
        }
    }

    /// The keys of the script that makes our claim last while the body is published. It answers 1; 0: the claim is
    /// lost.
    public var claimKeys: [String] { [".c", ".s"].map { TaskResult.groupKey(group, $0) } }

    public func claimArguments(token: String, _ lifetimes: Lifetimes = Lifetimes()) -> [String] {
        [token, String(lifetimes.publishing)]
    }

    /// The keys of the script that ends a chord whose body is published.
    public var cleanupKeys: [String] { [".c", ".j", ".t", ".s", ".d"].map { TaskResult.groupKey(group, $0) } }

    public func cleanupArguments(token: String, _ lifetimes: Lifetimes = Lifetimes()) -> [String] {
        [token, String(lifetimes.done)]
    }

    /// The list of parts, to be read in its order (`ZRANGE key 0 -1`), and given to ``results(_:)``.
    public var partsKey: String { TaskResult.groupKey(group, ".j") }

    /// Where a header with groups in it was saved: ``ResultTree/init(savedGroup:)``, whose results count in place of
    /// the parts.
    public var savedGroupKey: String { TaskResult.groupKey(group) }

    /// The key that ends a chord that failed.
    public var sizeKey: String { TaskResult.groupKey(group, ".s") }

    /// The results in parts that were read.
    ///
    /// - Throws: what the body fails with, when a part failed.
    public static func results(_ parts: [[UInt8]]) throws(TaskFailure) -> [RawJSON] {
        var results: [RawJSON] = []
        for part in parts {
            guard let values = (try? RawJSON(part))?.elements, values.count == 4, let id = values[1].string,
                let state = values[2].string
            else { throw .chord("Join error: a part of the chord cannot be read") }
            guard !TaskState(rawValue: state).propagates else {
                let failure = TaskFailure(values[3]) ?? TaskFailure("Exception", PythonRepr.text(values[3]))
                throw .chord(dependency: id, raised: failure)
            }
            results.append(values[3])
        }
        return results
    }
}
