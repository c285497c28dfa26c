package import MartletWire
package import NIOCore

/// Hears what a worker says. Every call comes on the event loop of the link, none inside a call of the link's own.
package protocol WorkerLinkDelegate: AnyObject, Sendable {
    /// A control frame; `id` is the nonce of a `PONG`.
    func linkReceived(_ type: WorkerFrameType, id: UInt64, payload: ByteBuffer)
    /// An item of a data frame. Meta and body are slices of what was read: who keeps one keeps all of it.
    func linkReceived(_ type: WorkerFrameType, _ item: WorkerItem)
    /// What the worker sent so far is handed on: the moment to pass on what was gathered.
    func linkReadComplete()
    /// Few bytes wait for the worker again, see ``WorkerLink/isWritable``.
    func linkWritable()
    /// The link is gone. Called once, and nothing after it.
    func linkEnded(_ end: WorkerLinkEnd)
}

/// Why a link is gone.
package enum WorkerLinkEnd: Sendable, Equatable {
    /// The worker's process ended, or it closed its end.
    case endOfFile
    /// The worker broke the rules of the protocol.
    case garbage(WireError)
    /// The socket failed; the text says how.
    case broken(String)
    /// ``WorkerLink/close()``.
    case closed
}
