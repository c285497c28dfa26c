import MartletBase
import MartletTasks
import MartletWire
import NIOCore

/// Takes the answer of a process apart: lines that tell of a run, and what comes after the last of them, its outcome.
struct ReportLines {
    /// Bytes of a line or an outcome. A longer one is no outcome.
    static let bound = 64 << 20

    private(set) var rest = ByteBuffer()
    private var isTooLong = false

    /// The lines that end in `piece`; one that is no JSON is left out.
    mutating func add(_ piece: ByteBuffer) -> [RawJSON] {
        guard !isTooLong else { return [] }
        // What is there already has no end of line.
        var searched = rest.readableBytes
        rest.writeImmutableBuffer(piece)
        var lines: [RawJSON] = []
        while let end = rest.readableBytesView.dropFirst(searched).firstIndex(of: UInt8(ascii: "\n")) {
            let length = end - rest.readerIndex
            if let line = rest.readBytes(length: length), let value = try? RawJSON(line) { lines.append(value) }
            rest.moveReaderIndex(forwardBy: 1)
            searched = 0
        }
        rest.discardReadBytes()
        if rest.readableBytes > Self.bound {
            rest.clear()
            isTooLong = true
        }
        return lines
    }
}

extension TaskOutcome {
    /// What a worker process says of a run.
    init(report bytes: ByteBuffer) {
        guard let report = (try? RawJSON(Array(bytes.readableBytesView))).flatMap({ RawObject($0) }),
            let outcome = TaskOutcome(report)
        else {
            self = .unreadable
            return
        }
        self = outcome
    }

    static var unreadable: TaskOutcome {
        .failure(.workerLost("the process answered with no outcome, or with too long a one"), runtime: 0)
    }

    /// nil: it says no state.
    init?(_ report: RawObject) {
        guard let state = report["state"]?.string else { return nil }
        let runtime = report["runtime"]?.number ?? 0
        if report["settled"]?.bool == true, let settlement = TaskSettlement(report, state, runtime) {
            self = .settled(settlement)
            return
        }
        let failure = TaskFailure(report)
        switch state {
        case "SUCCESS": self = .success(report["value"] ?? .null, runtime: runtime)
        case "RETRY": self = .retry(failure, delay: report["delay"]?.number)
        case "REJECTED": self = .rejected(requeue: report["requeue"]?.bool ?? false, failure)
        case "IGNORED": self = .ignored
        default: self = .failure(failure, runtime: runtime)
        }
    }
}

extension TaskSettlement {
    fileprivate init?(_ report: RawObject, _ state: String, _ runtime: Double) {
        guard let state = State(rawValue: state) else { return nil }
        self.init(
            state: state, result: report["result"]?.string ?? "", exception: report["exception"]?.string ?? "",
            traceback: report["traceback"]?.string ?? "", runtime: runtime)
    }
}

extension TaskFailure {
    fileprivate init(_ report: RawObject) {
        self.init(
            type: report["exc_type"]?.string ?? "Exception", module: report["exc_module"]?.string ?? "builtins",
            arguments: report["exc_message"]?.elements ?? [], traceback: report["traceback"]?.string)
    }
}
