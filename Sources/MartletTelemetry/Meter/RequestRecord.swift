package import MartletBase

/// All that is known about one request when it ends: written in passing by the exchange that owns it, read once by the
/// meter and the access log. Numbers only, so that keeping one costs no allocation.
package struct RequestRecord: Sendable {
    /// Indices from the ``LabelRegistry``; `LabelRegistry.none` until known.
    package var route = LabelRegistry.none
    package var pool = LabelRegistry.none
    /// The configured model that answered for the name in the body.
    package var model = LabelRegistry.none
    /// The target of the last attempt.
    package var target: TargetID?
    /// The status that the client was sent; 0 when it was sent none.
    package var status: UInt16 = 0
    package var outcome = Outcome.completed
    /// The error the client was given, in the head or in the stream.
    package var errorCode: ErrorCode?
    /// Where the request was when its client left; nil when it did not.
    package var cancelPhase: CancelPhase?
    package var priority = PriorityClass.interactive
    /// nil on plain routes.
    package var operation: ModelOperation?
    /// A health check: counted, not logged.
    package var isHealth = false
    /// Attempts at targets, the first included.
    package var attempts: UInt16 = 0

    /// From the first byte of the request head to the end.
    package var durationNanoseconds: UInt64 = 0
    /// From the first byte of the request head to the first byte of the answer.
    package var firstByteNanoseconds: UInt64?
    /// In the pool's queue; nil when it did not have to wait.
    package var queueWaitNanoseconds: UInt64?
    /// Making the connection of the last attempt; nil when one was there already.
    package var connectNanoseconds: UInt64?

    /// Body bytes received from the client.
    package var bytesIn: UInt64 = 0
    /// Body bytes sent to the client.
    package var bytesOut: UInt64 = 0
    /// As the target reported them.
    package var inputTokens: UInt64?
    package var outputTokens: UInt64?

    package init() {}

    package var isModelRoute: Bool { operation != nil }
}
