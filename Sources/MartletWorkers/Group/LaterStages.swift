import MartletBase
import MartletExchange
import MartletWire
import NIOCore

/// The stages of a pipeline that a request has before it, and what the present one answered so far.
///
/// As long as a request is on its way, each group before it knows of it, and keeps a worker for it.
struct LaterStages {
    /// To be asked next.
    let next: WorkerGroup
    /// The client's: each stage is told of it.
    let request: OutgoingRequest
    /// nil: the request is with no stage yet.
    private(set) var deadline: Instant?

    /// The answer of the present stage, which is the body for the next one.
    private(set) var body = ByteBuffer()
    /// Nil: no answer has begun.
    private(set) var type: String?
    private var length: Int?

    /// nil: `group` is the last one.
    init?(after group: WorkerGroup, _ request: OutgoingRequest) {
        guard let next = group.next else { return nil }
        self.next = next
        self.request = request
    }

    /// The request is with the first stage, and has so long.
    mutating func begin(deadline: Instant) {
        self.deadline = deadline
        for stage in next.stages { stage.expect(1) }
    }

    /// The request is over.
    func end() {
        guard deadline != nil else { return }
        for stage in next.stages { stage.expect(-1) }
    }

    /// What is left once the request is with the next one.
    var afterNext: LaterStages? {
        var rest = LaterStages(after: next, request)
        rest?.deadline = deadline
        return rest
    }

    /// Why an answer is none that can go on.
    enum Fault: String {
        case second = "a second answer"
        case status = "a status other than 200 to the stage after it"
        case length = "an answer of another length than it said"
        case tooLong = "more than the stage after it takes"
    }

    /// The answer begins.
    mutating func answer(_ head: WorkerAnswer, status: Int) -> Fault? {
        guard type == nil else { return .second }
        guard status == 200 else { return .status }
        type = head.headers.value(.contentType) ?? "application/json"
        length = head.length
        return nil
    }

    /// - Parameter limit: Of the whole body, in bytes.
    mutating func append(_ piece: ByteBuffer, limit: Int) -> Fault? {
        guard body.readableBytes + piece.readableBytes <= limit else { return .tooLong }
        if body.readableBytes > 0 {
            body.writeImmutableBuffer(piece)
        } else {
            // A small one would keep the whole buffer that it was read into while the next stage is waited for.
            body = piece.storageCapacity > 4096 ? piece.copied : piece
        }
        return nil
    }

    /// Whether what came is all that was said.
    var isWhole: Bool { length.map { $0 == body.readableBytes } ?? true }
}
