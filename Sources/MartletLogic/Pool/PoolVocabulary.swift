public import MartletBase

/// A request asks for a target.
public struct PickRequest: Sendable {
    /// Names the request while it waits.
    public var waiter: WaiterID
    public var priority: PriorityClass
    /// When waiting for a target no longer makes sense: the earlier of `timeouts.queue` and the caller's own deadline.
    public var deadline: Instant
    /// When the whole request has to be over.
    public var finish: Instant
    /// Bytes that it holds in memory while it waits.
    public var bytes: Int
    /// What `hash` goes by; nil: the request has no key and is spread.
    public var hashKey: UInt64?
    /// Targets that this request already tried: chosen only when no other target is left.
    public var excluding: [TargetID]
    /// Whether it may wait for a target that is on its way while there is none; it has nowhere else to go.
    public var mayExpect: Bool

    public init(
        waiter: WaiterID, priority: PriorityClass = .interactive, deadline: Instant, finish: Instant = .never,
        bytes: Int = 0, hashKey: UInt64? = nil, excluding: [TargetID] = [], mayExpect: Bool = true
    ) {
        self.waiter = waiter
        self.priority = priority
        self.deadline = deadline
        self.finish = finish
        self.bytes = bytes
        self.hashKey = hashKey
        self.excluding = excluding
        self.mayExpect = mayExpect
    }
}

/// Why a request gets no target.
public enum Refusal: UInt8, Sendable, CaseIterable {
    /// The pool has no target in service.
    case noTarget
    /// Every target asked for time (429), longer than the request can wait.
    case allDown
    /// As many requests wait as may, or they hold as many bytes.
    case queueFull
    /// It would not start before its deadline, or too late to be over in time.
    case tooLate

    /// The metric label.
    public var text: String {
        switch self {
        case .noTarget: "no_target"
        case .allDown: "all_down"
        case .queueFull: "queue_full"
        case .tooLate: "too_late"
        }
    }
}

/// What a pool says to a request.
public enum PickResult: Sendable, Equatable {
    /// Go there; `release` must follow exactly once.
    case target(TargetID)
    /// Wait for a ``Grant``, the news that the place is lost, or leave.
    case queued
    /// As `queued`; these waiters of lower classes lost their places for it.
    case queuedInPlaceOf([WaiterID])
    /// Not now; trying again makes sense after `retryAfter`.
    case refused(Refusal, retryAfter: Duration)
}

/// How an attempt at a target ended.
public enum AttemptResult: Sendable, Equatable {
    /// An answer that says nothing against the target; a 4xx is one.
    case success
    case failure(FailureClass, retryAfter: Duration? = nil)
    /// Says nothing: the client left, or the attempt was called off.
    case neutral

    var isFailure: Bool { if case .failure = self { true } else { false } }
}

/// A waiting request gets its target: as if `pick` had answered it; `release` must follow exactly once.
///
/// It may come to a waiter whose deadline just passed, as long as no tick has told that it expired.
public struct Grant: Sendable, Equatable {
    public var waiter: WaiterID
    public var target: TargetID

    public init(waiter: WaiterID, target: TargetID) {
        self.waiter = waiter
        self.target = target
    }
}

/// A target stands differently from before.
public struct TargetChange: Sendable, Equatable {
    public var target: TargetID
    public var from: TargetState
    public var to: TargetState

    public init(target: TargetID, from: TargetState, to: TargetState) {
        self.target = target
        self.from = from
        self.to = to
    }
}

/// What followed from a release or a check.
public struct ReleaseResult: Sendable, Equatable {
    /// Waiters that have a target now.
    public var grants: [Grant] = []
    /// For the log: how the target's standing changed, if it did.
    public var change: TargetChange?
    /// Whether a target that drains or was removed holds nothing any more.
    public var isEmptied = false
    /// Of a failed attempt: whether the target is out now, be it by this failure or since one before it.
    public var isOut = false

    public init(grants: [Grant] = [], change: TargetChange? = nil, isEmptied: Bool = false, isOut: Bool = false) {
        self.grants = grants
        self.change = change
        self.isEmptied = isEmptied
        self.isOut = isOut
    }
}

/// What followed from the passing of time.
public struct TickResult: Sendable, Equatable {
    /// Waiters whose deadline passed; they are no longer queued.
    public var expired: [WaiterID] = []
    /// Waiters who would not have had their turn in time; they are no longer queued.
    public var hopeless: [WaiterID] = []
    public var grants: [Grant] = []

    public init(expired: [WaiterID] = [], hopeless: [WaiterID] = [], grants: [Grant] = []) {
        self.expired = expired
        self.hopeless = hopeless
        self.grants = grants
    }
}
