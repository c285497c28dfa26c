package import MartletBase
package import MartletExchange
import MartletWire
package import NIOCore

/// One attempt at a target: the test says what the target does.
package final class FakeLeg: Leg {
    /// nil for a handler inside the process.
    package let target: Target?
    package let isFresh: Bool
    /// Gone once the leg ended, failed or was cancelled: from then on it says nothing.
    package private(set) var exchange: Exchange?
    package private(set) var request: OutgoingRequest?
    package private(set) var size: BodySize?
    package private(set) var received = ""
    package private(set) var isBodyEnded = false
    package private(set) var demanded = 0
    package private(set) var flushes = 0
    package private(set) var cancelled: CancelReason?
    package private(set) var cancels = 0
    package var isUploadWritable = true
    /// Called inside `start`: for targets that fail or answer at once.
    package var onStart: ((FakeLeg) -> Void)?
    /// Called inside `demand`.
    package var onDemand: ((FakeLeg) -> Void)?

    init(target: Target?, isFresh: Bool, exchange: Exchange) {
        self.target = target
        self.isFresh = isFresh
        self.exchange = exchange
    }

    package var isOver: Bool { exchange == nil }

    // MARK: What it is told

    package func start(_ request: OutgoingRequest, size: BodySize) -> Bool {
        self.request = request
        self.size = size
        onStart?(self)
        return false
    }

    package func body(_ slice: ByteBuffer) { received += String(buffer: slice) }
    package func bodyEnd() { isBodyEnded = true }
    package func flush() { flushes += 1 }

    package func demand(_ bytes: Int) {
        demanded += bytes
        onDemand?(self)
    }

    package func cancel(_ reason: CancelReason) {
        cancels += 1
        cancelled = cancelled ?? reason
        exchange = nil
    }

    // MARK: What it says

    package func accept(isNew: Bool = true) { exchange?.legAccepted(isNew: isNew) }

    package func respond(_ status: Int, _ fields: [(String, String)] = [], size: BodySize = .unknown) {
        var head = ResponseHead(status: status)
        for (name, value) in fields { head.headers.append(name, value) }
        exchange?.legHead(head, size: size)
    }

    package func respondWithEvents(_ status: Int = 200) {
        respond(status, [("Content-Type", "text/event-stream")])
    }

    package func inform(_ status: Int) { exchange?.legInformational(ResponseHead(status: status)) }

    package func say(_ text: String) {
        exchange?.legBody(ByteBuffer(string: text))
        exchange?.legReadComplete()
    }

    package func end() {
        let served = exchange
        exchange = nil
        served?.legEnd()
    }

    package func fail(_ failure: FailureClass, sent: Bool = true, stale: Bool = false) {
        let failed = exchange
        exchange = nil
        failed?.legFailed(failure, wasSent: sent, wasStale: stale)
    }

    /// A whole answer.
    package func answer(_ status: Int = 200, _ text: String = "ok") {
        accept()
        respond(status, size: .exactly(text.utf8.count))
        say(text)
        end()
    }
}

/// Opens legs that the test speaks for.
package final class FakeLegSource: LegSource {
    package private(set) var legs: [FakeLeg] = []
    /// Called for each new leg, before it is started.
    package var onOpen: ((FakeLeg) -> Void)?
    package private(set) var lost: [TargetID] = []
    package private(set) var removed: [TargetID] = []

    package init() {}

    /// The leg opened last.
    package var last: FakeLeg? { legs.last }

    package func open(_ target: Target, for exchange: Exchange, isFresh: Bool) -> any Leg {
        opened(FakeLeg(target: target, isFresh: isFresh, exchange: exchange))
    }

    package func open(_ handler: any LocalHandler, for exchange: Exchange) -> any Leg {
        opened(FakeLeg(target: nil, isFresh: true, exchange: exchange))
    }

    /// Tells the requests at `target`, as the real source does.
    package func targetLost(_ target: TargetID) {
        lost.append(target)
        for leg in legs where leg.target?.id == target { leg.exchange?.targetLost() }
    }

    package func shedIdle(_ count: Int) -> Int { 0 }

    package func targetReplaced(by target: Target) {}

    package func targetRemoved(_ target: TargetID) { removed.append(target) }

    private func opened(_ leg: FakeLeg) -> FakeLeg {
        legs.append(leg)
        onOpen?(leg)
        return leg
    }
}
