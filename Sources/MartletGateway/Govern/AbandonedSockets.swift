import MartletBase
package import MartletExchange
import MartletNet
import NIOCore

/// A socket that its peer has left and that is still open here (CLOSE_WAIT), with the request that holds it. There
/// should be none.
package struct AbandonedSocket: Sendable {
    package enum Side: String, Sendable {
        case client, upstream
    }

    package let side: Side
    /// The peer's address.
    package let peer: String
    /// How long it has been seen so.
    package let age: Duration
    /// nil: none.
    package let request: RequestSketch?
}

/// Looks at every socket of one event loop now and then, some at a time, for those that their peers have left.
package final class AbandonedSockets {
    /// A connection that is over is closed within this; what takes longer is held by somebody.
    private let tolerance: Duration
    private static let pause: Duration = .seconds(5)
    /// Sockets looked at in one turn of the loop.
    private static let slice = 500

    private typealias Held = (
        number: UInt64, side: AbandonedSocket.Side, socket: any Channel, exchange: Exchange?
    )

    /// By the connection's number: an address in memory would pass its age on to the connection that gets it next.
    private var firstSeen: [UInt64: Instant] = [:]
    private var isSweeping = false
    private var next = Instant(nanoseconds: 0)
    package private(set) var found: [AbandonedSocket] = []

    package init(tolerance: Duration = .seconds(5)) {
        self.tolerance = tolerance
    }

    /// Begins to look at all of them every five seconds, and meanwhile, as often as it is asked, at those that should
    /// not last. To be called about once a second.
    func sweepIfDue(_ context: LoopContext, _ legs: HTTP1Legs) {
        context.readClock()
        let isDue = context.now >= next
        guard isDue || !firstSeen.isEmpty else { return }
        if isDue { next = context.now + Self.pause }
        sweep(context, legs, suspectsOnly: !isDue)
    }

    /// Begins to look, unless the last look is not over.
    ///
    /// - Parameter suspectsOnly: at those alone that were abandoned at the last look: each costs a system call.
    package func sweep(_ context: LoopContext, _ legs: HTTP1Legs, suspectsOnly: Bool = false) {
        guard !isSweeping else { return }
        isSweeping = true
        let isDue = { (number: UInt64) in !suspectsOnly || self.firstSeen[number] != nil }
        var held: [Held] = context.clients.all.compactMap { client in
            guard isDue(client.number) else { return nil }
            return client.socket.map { (client.number, .client, $0, client.exchange) }
        }
        held += legs.all.compactMap { leg in
            let number = leg.waiter.rawValue
            guard isDue(number) else { return nil }
            return leg.socket.map { (number, .upstream, $0, leg.exchange) }
        }
        look(at: held[...], context, seen: [:], found: [])
    }

    private func look(
        at rest: ArraySlice<Held>, _ context: LoopContext, seen: [UInt64: Instant],
        found: [AbandonedSocket]
    ) {
        context.readClock()
        var (seen, found) = (seen, found)
        for (number, side, socket, exchange) in rest.prefix(Self.slice)
        where socket.isActive && socket.isAbandonedByPeer {
            let since = firstSeen[number] ?? context.now
            seen[number] = since
            guard context.now - since >= tolerance else { continue }
            found.append(
                AbandonedSocket(
                    side: side, peer: socket.remoteAddress?.text ?? "", age: context.now - since,
                    request: exchange?.sketch))
        }
        let next = rest.dropFirst(Self.slice)
        guard next.isEmpty else {
            let (marks, finds) = (seen, found)
            context.loop.assumeIsolated().execute { self.look(at: next, context, seen: marks, found: finds) }
            return
        }
        firstSeen = seen
        self.found = found
        isSweeping = false
    }
}

extension LoopTable {
    /// Sockets that their peers have left, as of the last look.
    package func abandonedSockets() async throws -> [AbandonedSocket] {
        try await map { ($0.legs as? HTTP1Legs)?.abandoned.found ?? [] }.flatMap { $0 }
    }

    /// Has every loop look at its sockets, where that is due.
    func sweepSockets() {
        broadcast { context in
            guard let legs = context.legs as? HTTP1Legs else { return }
            legs.abandoned.sweepIfDue(context, legs)
        }
    }
}
