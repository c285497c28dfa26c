import MartletBase
import MartletExchange
import MartletWire
import NIOCore

/// What an `ERROR` of a worker means to the one who asked.
struct WorkerComplaint: Sendable {
    private var item: WorkerItem
    private let fault: WorkerFault

    init(_ item: WorkerItem) {
        self.item = item
        fault = WorkerFault(meta: item.meta)
    }

    /// The same, without what was read along with it.
    var kept: WorkerComplaint {
        var kept = self
        kept.item.meta = ByteBuffer()
        kept.item.body = ByteBuffer(bytes: item.body.readableBytesView)
        return kept
    }

    /// Smaller batches may do better.
    var concernsBatch: Bool { fault.concernsBatch }

    /// For a stream that has begun.
    var error: MartletError { MartletError(.workerFailed, cause: fault.message) }

    var status: Int { (400...599).contains(item.status) ? Int(item.status) : 500 }

    /// For the head of the answer.
    var headers: HeaderBlock { fault.headers }

    /// The app's own error answer, where it has one.
    var own: (type: String, body: ByteBuffer)? {
        item.body.readableBytes > 0 ? (fault.type, item.body) : nil
    }

    /// The error in the form of the route.
    func body(in shape: ErrorShape) -> ByteBuffer {
        let code = fault.code.isEmpty ? ErrorCode.workerFailed.text : fault.code
        let message = fault.message.isEmpty ? ErrorCode.workerFailed.sentence : fault.message
        return ByteBuffer(string: shape.body(code: code, message: message, status: status))
    }
}
