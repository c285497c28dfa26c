package import MartletWire
package import NIOCore

/// The right to end a message: it was taken from a list, under a lease that grows with each take.
package struct Receipt: Sendable, Hashable {
    /// The message's delivery tag.
    package var tag: String
    package var lease: Int64
    package var queue: String
    /// The list it was taken from, without what stands before all keys.
    package var key: String

    package init(tag: String, lease: Int64, queue: String, key: String) {
        self.tag = tag
        self.lease = lease
        self.queue = queue
        self.key = key
    }
}

/// A message that was taken.
package struct Delivery: Sendable {
    package var receipt: Receipt
    /// As it was served.
    package var message: ByteBuffer
    /// How often it was served, this time included.
    package var deliveries: Int

    package init(receipt: Receipt, message: ByteBuffer, deliveries: Int) {
        self.receipt = receipt
        self.message = message
        self.deliveries = deliveries
    }
}

/// A task's state, as clients of Celery read it.
package struct StoredResult: Sendable {
    /// `celery-task-meta-` and the task's id: a key, and the channel on which it is announced.
    package var key: String
    package var json: ByteBuffer
    /// How long it is kept, in whole seconds; zero: for ever.
    package var expires: Duration

    package init(key: String, json: ByteBuffer, expires: Duration) {
        self.key = key
        self.json = json
        self.expires = expires
    }
}

/// A state of a task that is not over, and where it is not to be stored.
package struct StateNews: Sendable {
    package var result: StoredResult
    /// Only as long as this lease stands; nil: whoever has the message.
    package var receipt: Receipt?
    /// Where one of these stands, it stays.
    package var keeping: [TaskState]

    package init(_ result: StoredResult, while receipt: Receipt? = nil, keeping: [TaskState] = [.success]) {
        self.result = result
        self.receipt = receipt
        self.keeping = keeping
    }
}

/// A message to be published: the list's key and the queue that it is of, both without what stands before all keys.
package typealias OutgoingMessage = (key: String, queue: String, message: ByteBuffer)

/// What becomes of a message that was worked on.
package struct TaskFinish: Sendable {
    package var receipt: Receipt
    package var storing: StoredResult?
    package var publishing: [OutgoingMessage]
    /// A unique key that is free then.
    package var freeing: UniqueHold?

    package init(receipt: Receipt, storing: StoredResult? = nil, publishing: [OutgoingMessage] = []) {
        self.receipt = receipt
        self.storing = storing
        self.publishing = publishing
    }
}

/// A message that goes back to its list.
package struct TaskReturn: Sendable {
    package var receipt: Receipt
    /// As it was served.
    package var message: ByteBuffer
    /// Whether it is served next, and not last, which counts as a delivery that failed.
    package var atHead: Bool

    package init(receipt: Receipt, message: ByteBuffer, atHead: Bool) {
        self.receipt = receipt
        self.message = message
        self.atHead = atHead
    }
}
