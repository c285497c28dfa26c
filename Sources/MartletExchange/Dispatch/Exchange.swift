package import MartletBase
import MartletLogic
import MartletNet
import MartletTelemetry
package import MartletWire
package import NIOCore

/// What the front knows about a request beyond its head.
package struct CallerFacts {
    package var priority: PriorityClass = .interactive
    /// The deadline the caller stated; `.never` without one.
    package var deadline: Instant = .never
    package var requestID = ""
    /// The client's address; nil when it is this machine or a trusted proxy, which stand for many clients.
    package var client: String?
    /// Length of the request body as announced.
    package var bodySize: BodySize = .none
    /// It prefers to be told where the answer will be (RFC 7240, `respond-async`).
    package var prefersLater = false

    package init() {}
}

/// One request: owns every resource it holds, and gives each back exactly once, whatever ends it.
///
/// A driver around `ExchangeMachine`: it turns what front and leg say into events, and the machine's answers into
/// calls. See `Contract.swift` for who calls whom, and `docs/life-of-a-request.md` for the whole way.
package final class Exchange {
    package let context: LoopContext
    package let route: Route
    package let caller: CallerFacts
    /// Unique in the process; names the request in a pool's queue.
    package let number: UInt64
    package let front: any Front
    var machine: ExchangeMachine
    var record: RequestRecord
    let started: Instant
    var accessLog: AccessLog?
    var details: Boxed<AccessDetails>?
    /// When the front will wake this exchange at the latest.
    var armedUntil = Instant.never

    // What the request is, until the answer is committed.
    var request: OutgoingRequest?
    var body: RequestBody
    var peek: Boxed<ModelPeek>?
    var modelEntry: ModelTable.Entry?
    /// The pool is known; a place is asked for once the body is whole.
    var isReadingFirst = false

    // What the request holds: each is given back by the one function that sets it to nil.
    var pool: Pool?
    /// How the pool keeps requests together, if it does.
    var keyRule: HashPolicy.Key?
    /// Whether the pool wants to know how long answers take to begin.
    var isLimitAdaptive = false
    var lease: Target?
    var leg: (any Leg)?
    var isInQueue = false
    /// What the queue was told that it holds.
    var queuedBytes = 0
    var holdsRetry = false
    var reservedBytes = 0

    // The attempts so far.
    /// Targets of attempts that failed.
    var tried: [TargetID] = []
    var isRetryBudgetSpent = false
    var wantsFreshConnection = false
    var hasFallenBack = false
    var attemptStarted = Instant.never
    /// When the connection for it was there.
    var acceptedSince = Instant.never
    var queuedSince = Instant.never
    var slot: TargetSlot?
    var wasSent = false
    var isBodyEndSent = false

    // The answer on its way.
    var answerStatus = 0
    var retryAfter: Duration?
    var relay: EventRelay?
    var usage: Boxed<UsageScanner>?
    var owedDemand = 0
    var lastEvent = Instant.never
    var isReadingHeld = false

    // Events that arrived inside a step.
    private var isStepping = false
    private var waitingEvents: [Event] = []

    enum Event {
        case requestBody(ByteBuffer), requestEnd, requestFailed(MartletError), gone(CancelReason), frontWritable
        case granted(Target), placeLost(ErrorCode)
        case legAccepted(isNew: Bool), legUploadWritable, legInformational(ResponseHead)
        case legHead(ResponseHead, BodySize), legBody(ByteBuffer), legEnd
        case legFailed(FailureClass, wasSent: Bool, wasStale: Bool), legRefused(MartletError, Duration?)
        case timer(Instant), targetLost
    }

    package init(
        context: LoopContext, route: Route, front: any Front, request: OutgoingRequest, caller: CallerFacts,
        now: Instant
    ) {
        self.context = context
        self.route = route
        self.front = front
        self.request = request
        self.caller = caller
        number = context.nextRequestNumber()
        if let log = context.accessLog, route.isLogged {
            accessLog = log
            details = Boxed(
                AccessDetails(request.head, client: caller.client ?? front.clientAddress, id: caller.requestID))
        }
        body = RequestBody(keepsAll: route.isModelAPI || route.readsBodyFirst)
        record = RequestRecord()
        record.route = route.index
        record.priority = caller.priority
        record.isHealth = !route.isLogged
        started = now
        machine = ExchangeMachine(
            timeouts: RequestRules.none.timeouts, retry: RequestRules.none.retry,
            isIdempotent: request.head.method.isIdempotent, callerDeadline: caller.deadline, now: now)
    }

    // MARK: From the front

    /// Begins: finds the pool, or reads the body until it names a model.
    package func start() {
        isStepping = true
        begin(now: context.now)
        endStep()
    }

    package func requestBody(_ slice: ByteBuffer) { step(.requestBody(slice)) }
    package func requestEnd() { step(.requestEnd) }
    /// All that could be read of the request at present was handed on: it goes out in one write.
    package func requestReadComplete() { leg?.flush() }
    /// The front cannot go on with the request: its rest is malformed or late, its answer is not taken.
    package func requestFailed(_ error: MartletError) { step(.requestFailed(error)) }
    /// The client takes bytes again.
    package func frontWritable() { step(.frontWritable) }
    /// The client left, or was cut off. Idempotent.
    package func gone(_ reason: CancelReason = .clientGone) { step(.gone(reason)) }

    // MARK: From the pool

    /// A place in the queue was granted. May come late: then the place goes straight back.
    func granted(_ target: Target) {
        context.readClock()
        step(.granted(target))
    }
    /// The place in the queue is gone, and nothing was granted for it.
    func placeLost(_ code: ErrorCode) {
        context.readClock()
        step(.placeLost(code))
    }

    /// When its answer is of no use any more.
    package var deadline: Instant { machine.deadline }

    // MARK: From the leg

    /// - Parameter isNew: a connection was made for it.
    package func legAccepted(isNew: Bool) { step(.legAccepted(isNew: isNew)) }
    package func legUploadWritable() { step(.legUploadWritable) }
    package func legInformational(_ head: ResponseHead) { step(.legInformational(head)) }
    package func legHead(_ head: ResponseHead, size: BodySize) { step(.legHead(head, size)) }
    package func legBody(_ slice: ByteBuffer) { step(.legBody(slice)) }
    package func legEnd() { step(.legEnd) }
    /// - Parameters:
    ///   - wasSent: bytes of the request may have reached the target.
    ///   - wasStale: a kept-alive connection died before any byte of an answer.
    package func legFailed(_ failure: FailureClass, wasSent: Bool, wasStale: Bool = false) {
        step(.legFailed(failure, wasSent: wasSent, wasStale: wasStale))
    }
    /// There will be no answer, or no more of it, and no other target is to be tried: who is behind the leg has done
    /// all that may be done.
    package func legRefused(_ error: MartletError, retryAfter: Duration? = nil) {
        step(.legRefused(error, retryAfter))
    }
    /// All that could be read was read: what was gathered goes out in one write.
    package func legReadComplete() { front.flush() }
    /// The target was taken out while this request waits for its first byte.
    package func targetLost() {
        context.readClock()
        step(.targetLost)
    }

    /// The instant given to `Front.wake` may have come; answers when to look again.
    package func deadlineReached(now: Instant) -> Instant {
        armedUntil = .never
        step(.timer(now))
        guard machine.phase != .closed else { return .never }
        armedUntil = machine.nextDeadline
        return armedUntil
    }

    // MARK: One step at a time

    /// Runs `event` now, or after the step it arrived in.
    @inline(__always)
    private func step(_ event: @autoclosure () -> Event) {
        guard !isStepping else {
            waitingEvents.append(event())
            return
        }
        isStepping = true
        handle(event())
        endStep()
    }

    private func endStep() {
        while !waitingEvents.isEmpty { handle(waitingEvents.removeFirst()) }
        isStepping = false
    }

    @inline(__always)
    private func handle(_ event: Event) {
        switch event {
        case .legBody(let slice): relayBody(slice)
        case .requestBody(let slice): takeRequestBody(slice)
        case .requestEnd: takeRequestEnd()
        case .requestFailed(let error): fail(error)
        case .gone(let reason): clientLeft(reason)
        case .frontWritable: clientResumed()
        case .granted(let target):
            placeGranted(target)
            sendSoFar()
        case .placeLost(let code):
            isInQueue = false
            if machine.phase == .queued { hasNoPlace(code) }
            sendSoFar()
        case .legAccepted(let isNew): attemptAccepted(isNew: isNew)
        case .legUploadWritable: pumpRequestBody()
        case .legInformational(let head): if machine.phase == .waiting { front.informational(head) }
        case .legHead(let head, let size): answerBegan(head, size: size)
        case .legEnd: answerEnded()
        case .legFailed(let failure, let wasSent, let wasStale):
            leg = nil
            // A client that left in the same step ended the request: nobody is to blame for what its target did then.
            if machine.phase != .closed { attemptFailed(failure, wasSent: wasSent, wasStale: wasStale) }
            sendSoFar()
        case .legRefused(let error, let retryAfter):
            leg = nil
            fail(error, retryAfter: retryAfter)
        case .timer(let now):
            timerFired(now)
            sendSoFar()
        case .targetLost:
            targetWasLost()
            sendSoFar()
        }
    }

    /// An attempt that did not begin with bytes from the client: no end of their reading sends what there is so far.
    private func sendSoFar() { leg?.flush() }
}
