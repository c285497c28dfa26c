package import MartletBase
package import MartletExchange
import MartletLogic
import MartletNet
import MartletTelemetry
import MartletWire
import NIOCore
import NIOPosix

/// The upstream connections of one event loop.
package final class HTTP1Legs: LegSource {
    unowned let loop: LoopContext
    let limits: HTTPLimits
    let governor: Governor
    private let idle = IdleLegs()
    let abandoned = AbandonedSockets()
    /// Every open connection, to tell those whose target is lost.
    private var open: [ObjectIdentifier: HTTP1Leg] = [:]

    /// On the loop.
    package init(loop: LoopContext, governor: Governor = Governor()) {
        self.loop = loop
        self.governor = governor
        limits = HTTPLimits()
        governor.register(self)
    }

    package func open(_ target: Target, for exchange: Exchange, isFresh: Bool) -> any Leg {
        let address: SocketAddress
        switch target.place {
        case .maker(let maker): return maker.leg(for: exchange)
        case .address(let place): address = place
        }
        while !isFresh, let leg = idle.take(target.id) {
            loop.meter.connections(.upstreamIdle, changedBy: -1)
            loop.meter.connections(.upstreamActive, changedBy: 1)
            guard leg.serve(target) else {
                leg.discard()
                continue
            }
            leg.attach(exchange)
            return leg
        }
        let leg = HTTP1Leg(target: target, at: address, legs: self)
        open[ObjectIdentifier(leg)] = leg
        loop.meter.connections(.upstreamActive, changedBy: 1)
        leg.attach(exchange)
        switch governor.reserve(leg.waiter, for: leg, on: loop.loop, now: loop.now) {
        case .granted: dial(leg)
        case .wait:
            leg.awaitPlace()
            if shedIdle(1) == 0 { governor.search(for: leg.waiter, besides: self) }
        case .refused: leg.connectFailed(.noDescriptor)
        }
        return leg
    }

    package func open(_ handler: any LocalHandler, for exchange: Exchange) -> any Leg {
        LocalLeg(handler: handler, exchange: exchange)
    }

    /// A place is reserved; it is given back when the channel is closed, or could not be made.
    func dial(_ leg: HTTP1Leg) {
        let bound = NIOLoopBound(leg, eventLoop: loop.loop)
        let governor = self.governor
        let target = leg.target
        let tls = target.tls
        let host = target.origin.host
        ClientBootstrap(group: loop.loop)
            // The exchange's own timer is the one that counts.
            .connectTimeout(.seconds(60))
            .channelInitializer { channel in
                bound.value.hasSocket = true
                channel.closeFuture.whenComplete { _ in governor.upstreamClosed(now: .current) }
                return channel.eventLoop.makeCompletedFuture {
                    try SocketOptions.standard.apply(to: channel)
                    try ReadBuffers.apply(to: channel)
                    if let tls { try channel.pipeline.syncOperations.addHandler(tls.makeHandler(host: host)) }
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
            .connect(to: leg.address)
            .whenFailure { error in
                if !bound.value.hasSocket { governor.upstreamClosed(now: .current) }
                if case .connectTimeout? = error as? ChannelError {
                    bound.value.connectFailed(.connectTimeout)
                } else {
                    bound.value.connectFailed(.connect)
                }
            }
    }

    // MARK: Idle connections

    func keep(_ leg: HTTP1Leg) -> Bool {
        guard governor.keepsIdle, idle.put(leg) else { return false }
        loop.meter.connections(.upstreamIdle, changedBy: 1)
        loop.meter.connections(.upstreamActive, changedBy: -1)
        return true
    }

    func forget(_ leg: HTTP1Leg) {
        idle.remove(leg)
        loop.meter.connections(.upstreamIdle, changedBy: -1)
        loop.meter.connections(.upstreamActive, changedBy: 1)
    }

    /// Closes so many idle connections, those that have been idle longest of each target; answers how many there were.
    package func shedIdle(_ count: Int) -> Int {
        let shed = idle.oldest(count)
        for leg in shed { leg.retire() }
        return shed.count
    }

    func closed(_ leg: HTTP1Leg) {
        open[ObjectIdentifier(leg)] = nil
        loop.meter.connections(.upstreamActive, changedBy: -1)
    }

    /// Every open connection.
    var all: [HTTP1Leg] { Array(open.values) }

    /// The target was taken out: requests that wait for its first byte go elsewhere.
    package func targetLost(_ target: TargetID) {
        for leg in open.values where leg.target.id == target { leg.exchange?.targetLost() }
    }

    /// A reload put `target` in the place of the one of this id: what rests does so under the new rules, or not at all.
    package func targetReplaced(by target: Target) {
        loop.readClock()
        let resting = idle.all(target.id)
        let surplus = max(0, resting.count - target.keepAlive.connections)
        for leg in resting.prefix(surplus) { leg.retire() }
        for leg in resting.dropFirst(surplus) { leg.rest(under: target) }
    }

    /// The target left its pool: what is idle closes now, the rest after its answer.
    package func targetRemoved(_ target: TargetID) {
        for leg in open.values where leg.target.id == target { leg.retire() }
        idle.forget(target)
    }
}
