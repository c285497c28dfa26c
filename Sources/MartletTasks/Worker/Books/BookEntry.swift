import MartletLogic
import MartletWire
import NIOCore

/// What is to be told to the broker about one message, so that it is done with.
struct BookEntry: Sendable {
    enum Act: Sendable {
        /// Publishes what follows, stores the result and acknowledges, all of it or nothing.
        case finish(TaskFinish)
        /// Publishes what follows. The message was acknowledged before its run.
        case publish([OutgoingMessage])
        case giveBack(atHead: Bool)
        case bury
    }

    /// nil: the desk does not know of it.
    var id: DeliveryID?
    var taskID: String
    var name: String
    var receipt: Receipt
    /// As it was served.
    var message: ByteBuffer
    var act: Act
    /// What comes first, each step of which may be done twice.
    var first = FirstSteps()
    /// A unique key that is free afterwards; of `finish` in its own step.
    var freeing: UniqueHold?
    /// What monitors are told when it is done.
    var event: (@Sendable () -> TaskEvent)?
    var tally: TaskWorkerStatus.Counters.Tally
    /// In seconds.
    var runtime = 0.0

    /// Whether something has to come before the one step that ends it.
    var hasFirst: Bool {
        if case .publish = act { return true }
        return !first.isEmpty
    }

    var isReturn: Bool {
        if case .giveBack = act { true } else { false }
    }

    var finish: TaskFinish? {
        guard case .finish(let finish) = act else { return nil }
        return finish
    }

    var returned: TaskReturn? {
        guard case .giveBack(let atHead) = act else { return nil }
        return TaskReturn(receipt: receipt, message: message, atHead: atHead)
    }

    /// By which it is known that it was told.
    var ownResult: StoredResult? {
        finish?.storing ?? first.results.first { $0.key == TaskResult.key(taskID) }
    }
}

/// What has to be there before a message is acknowledged.
struct FirstSteps: Sendable {
    /// Of a member of a chord itself, and of the steps of a chain that will not run.
    var results: [StoredResult] = []
    var chordSizes: [CanvasSteps.ChordSize] = []
    var savedGroups: [CanvasSteps.SavedGroup] = []
    /// Parts of chords that are done with it.
    var parts: [DuePart] = []
    /// What is published although its message is not acknowledged in the same step.
    var publishing: [OutgoingMessage] = []

    var isEmpty: Bool {
        results.isEmpty && chordSizes.isEmpty && savedGroups.isEmpty && parts.isEmpty && publishing.isEmpty
    }

    mutating func prepare(_ steps: CanvasSteps) {
        chordSizes += steps.chordSizes
        savedGroups += steps.savedGroups
    }
}

/// A part of a chord that is done: how, and with what.
struct DuePart: Sendable {
    var part: ChordPart
    var state: MartletWire.TaskState
    /// The value, or the exception.
    var result: RawJSON
    /// The task whose end it is.
    var message: TaskMessage
    /// A step of a chain that failed before has returned its part.
    var unlessFailed = false
    /// Names this worker's claim to publish the chord's body; the same each time that it is tried.
    var token = RandomID.make()
}
