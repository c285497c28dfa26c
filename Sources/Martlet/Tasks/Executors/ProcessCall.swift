import MartletBase
import MartletNet
import MartletTasks
import MartletWire
import NIOCore

/// What a process is asked at a time: to run one task, or several of one name in one call.
struct ProcessCall: Sendable {
    /// In how many seconds the soft limit is over.
    private static let softLimit = "x-martlet-soft-limit"
    /// How many messages the body has: after a line with their lengths.
    private static let batch = "x-martlet-batch"
    /// Messages of a batch that are longer together are several calls: a process takes 64 MiB.
    private static let bytes = 32 << 20

    private let runs: [TaskRun]

    init(_ run: TaskRun) { runs = [run] }

    private init(_ runs: [TaskRun]) { self.runs = runs }

    /// One call, unless its messages are too long together.
    static func calls(_ batch: [TaskRun]) -> [ProcessCall] {
        var calls: [ProcessCall] = []
        var rest = batch[...]
        while !rest.isEmpty {
            var size = 0
            let together = rest.prefix { run in
                defer { size += run.bytes.readableBytes }
                return size == 0 || size + run.bytes.readableBytes <= bytes
            }
            calls.append(ProcessCall(Array(together)))
            rest = rest.dropFirst(together.count)
        }
        return calls
    }

    var headers: HeaderBlock {
        var headers = HeaderBlock()
        headers.append(.contentType, "application/json")
        if let soft = runs.first?.softDeadline {
            headers.append(Self.softLimit, "\(max((soft - .current).inSeconds, 0.001))")
        }
        if runs.count > 1 { headers.append(Self.batch, "\(runs.count)") }
        return headers
    }

    var body: ByteBuffer {
        guard runs.count != 1 else { return runs[0].bytes }
        var body = ByteBuffer(
            string: runs.map { String($0.bytes.readableBytes) }.joined(separator: " ") + "\n")
        for run in runs { body.writeImmutableBuffer(run.bytes) }
        return body
    }

    /// The run at a place that the process said; the first without one.
    func run(_ place: RawJSON?) -> TaskRun? {
        let place = Int(place?.integer ?? 0)
        return runs.indices.contains(place) ? runs[place] : nil
    }

    func all(_ outcome: TaskOutcome) -> [TaskOutcome] { runs.map { _ in outcome } }

    /// What the process says of each: one outcome, or `{"batch": [outcome, …]}`.
    func outcomes(report bytes: ByteBuffer) -> [TaskOutcome] {
        guard runs.count > 1 else { return [TaskOutcome(report: bytes)] }
        let told = (try? RawJSON(Array(bytes.readableBytesView)))?["batch"]?.elements ?? []
        guard told.count == runs.count else { return all(.unreadable) }
        return told.map { RawObject($0).flatMap { TaskOutcome($0) } ?? .unreadable }
    }
}
