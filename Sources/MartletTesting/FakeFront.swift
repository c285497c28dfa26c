package import MartletBase
package import MartletExchange
import MartletNet
package import MartletWire
package import NIOCore

/// A caller that writes down what it is told.
package final class FakeFront: Front, Timed {
    package enum Heard: Equatable, Sendable {
        case head(Int), informational(Int), body(String), end, abort, reading(Bool)
    }

    package private(set) var heard: [Heard] = []
    /// The answer's head and what was added to it.
    package private(set) var head: ResponseHead?
    package private(set) var size: BodySize?
    package private(set) var lines = ""
    package private(set) var flushes = 0
    package var isWritable = true
    package let clientAddress: String
    private weak var exchange: Exchange?
    private var timer = DeadlineWheel.Handle.none
    /// Called after each thing heard: for callers that answer back at once.
    package var onHeard: ((Heard) -> Void)?

    package init(clientAddress: String = "192.0.2.1") {
        self.clientAddress = clientAddress
    }

    package var status: Int? { head?.status }

    package var text: String {
        heard.reduce(into: "") { if case .body(let text) = $1 { $0 += text } }
    }

    /// The value of a line that was added to the answer's head.
    package func line(_ name: String) -> String? {
        lines.split(separator: "\r\n").first { $0.hasPrefix("\(name): ") }.map { String($0.dropFirst(name.count + 2)) }
    }

    /// The answer is over, one way or the other.
    package var isAnswered: Bool { heard.contains(.end) || heard.contains(.abort) }

    package func respond(
        _ head: ResponseHead, size: BodySize, dropping dropped: [String], extra: HeaderLines
    ) {
        self.head = head
        self.size = size
        lines = String(buffer: extra.bytes)
        hear(.head(head.status))
    }

    package func informational(_ head: ResponseHead) { hear(.informational(head.status)) }
    package func body(_ slice: ByteBuffer) { hear(.body(String(buffer: slice))) }
    package func end() { hear(.end) }
    package func abort() { hear(.abort) }
    package func flush() { flushes += 1 }
    package func setReading(_ isOn: Bool) { hear(.reading(isOn)) }

    package func wake(_ exchange: Exchange, at instant: Instant) {
        self.exchange = exchange
        if instant == .never {
            exchange.context.wheel.disarm(&timer)
        } else {
            exchange.context.wheel.rearm(&timer, self, at: instant)
        }
    }

    package func deadlineReached(now: Instant) -> Instant {
        exchange?.context.readClock()
        return exchange?.deadlineReached(now: now) ?? .never
    }

    private func hear(_ what: Heard) {
        heard.append(what)
        onHeard?(what)
    }
}
