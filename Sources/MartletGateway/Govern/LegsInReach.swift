import MartletBase
import MartletExchange
import MartletLogic
import MartletNet
import NIOCore
import Synchronization

/// The upstream connections of every loop, as far as one loop can ask another to close an idle one, and the legs that
/// wait until that happened.
struct LegsInReach {
    struct Waiting {
        let loop: any EventLoop
        let leg: NIOLoopBound<HTTP1Leg>
    }

    var loops: [NIOLoopBound<HTTP1Legs>] = []
    var waiting: [WaiterID: Waiting] = [:]
}

// A connection to a target is reserved before it is dialled. When every place is taken, an idle connection has to go:
// one of the same loop, else one of another, asked one after the other.
extension Governor {
    /// The upstream connections of one loop are within reach of the others. On that loop.
    func register(_ legs: HTTP1Legs) {
        let bound = NIOLoopBound(legs, eventLoop: legs.loop.loop)
        change { $0.legs.loops.append(bound) }
    }

    /// A place for the connection that `leg` is about to make. After `.wait` it hears `placeGranted` or `noPlace`.
    func reserve(_ id: WaiterID, for leg: HTTP1Leg, on loop: any EventLoop, now: Instant)
        -> GovernorMachine.Reservation
    {
        let bound = NIOLoopBound(leg, eventLoop: loop)
        return change { state in
            let reservation = state.machine.reserveUpstream(id, now: now)
            if reservation == .wait { state.legs.waiting[id] = LegsInReach.Waiting(loop: loop, leg: bound) }
            return reservation
        }
    }

    /// An upstream connection is closed, or was never made.
    func upstreamClosed(now: Instant) {
        let next = change { state in
            state.machine.upstreamClosed(now: now).flatMap { state.legs.waiting.removeValue(forKey: $0) }
        }
        guard let next else { return }
        next.loop.execute { next.leg.value.placeGranted() }
    }

    /// The leg wants no place any more. False: one is on its way.
    func withdraw(_ id: WaiterID) -> Bool {
        change { state in
            state.legs.waiting[id] = nil
            return state.machine.withdraw(id)
        }
    }

    /// Has some loop close an idle connection for `id`, which hears `noPlace` when none has any.
    func search(for id: WaiterID, besides own: HTTP1Legs) {
        let home = own.loop.loop
        let others = state.withLock { $0.legs.loops }.filter { $0.eventLoop !== home }
        search(others[...], for: id)
    }

    private func search(_ loops: ArraySlice<NIOLoopBound<HTTP1Legs>>, for id: WaiterID) {
        guard let next = loops.first else { return searchFailed(id) }
        next.eventLoop.execute {
            if next.value.shedIdle(1) == 0 { self.search(loops.dropFirst(), for: id) }
        }
    }

    private func searchFailed(_ id: WaiterID) {
        let waiting = change { state in
            state.machine.searchFailed(id, now: .current) ? state.legs.waiting.removeValue(forKey: id) : nil
        }
        guard let waiting else { return }
        waiting.loop.execute { waiting.leg.value.noPlace() }
    }
}
