import MartletBase
import NIOCore
import Synchronization

/// How the mock behaves at this moment: as it was told to, changed by the phase of the schedule that is on.
final class MockConduct: Sendable {
    private struct State {
        /// What was asked for.
        var wanted: MockBehaviour
        var schedule: MockSchedule
        var scheduledAt: UInt64
        var current: MockBehaviour
        var timer: Scheduled<Void>?
        /// Told whether the port is to be open.
        var portChanged: (@Sendable (Bool) -> Void)?
        var isOver = false
    }

    private let loop: any EventLoop
    private let state: Mutex<State>
    private let blackHole = Atomic(false)

    init(_ options: MockOptions, loop: any EventLoop) {
        self.loop = loop
        let now = monotonicNanoseconds()
        let current = options.schedule.applied(to: options.behaviour, at: 0)
        state = Mutex(
            State(wanted: options.behaviour, schedule: options.schedule, scheduledAt: now, current: current))
    }

    var current: MockBehaviour { state.withLock { $0.current } }

    /// What was asked for, phases left out.
    var wanted: MockBehaviour {
        get { state.withLock { $0.wanted } }
        set {
            state.withLock { $0.wanted = newValue }
            turn()
        }
    }

    var schedule: MockSchedule { state.withLock { $0.schedule } }

    /// Begins the schedule now.
    func begin(_ schedule: MockSchedule) {
        state.withLock { state in
            state.schedule = schedule
            state.scheduledAt = monotonicNanoseconds()
        }
        turn()
    }

    /// Whether nothing is sent now, on any connection.
    var isBlackHole: Bool { blackHole.load(ordering: .relaxed) }

    /// - Parameter change: called at every turn, in order, whether the port is to be open; it must not wait.
    func followPort(_ change: @escaping @Sendable (Bool) -> Void) {
        state.withLock { $0.portChanged = change }
        turn()
    }

    /// Takes up the phases that are on, and comes again when one begins or ends.
    private func turn() {
        state.withLock { state in
            state.timer?.cancel()
            state.timer = nil
            let elapsed = monotonicNanoseconds() &- state.scheduledAt
            state.current = state.schedule.applied(to: state.wanted, at: elapsed)
            if !state.isOver, let next = state.schedule.nextChange(after: elapsed) {
                let time = NIODeadline.uptimeNanoseconds(state.scheduledAt &+ next)
                state.timer = loop.scheduleTask(deadline: time) { self.turn() }
            }
            blackHole.store(state.current.fault == .blackHole, ordering: .relaxed)
            state.portChanged?(!state.current.refuses)
        }
    }

    func stop() {
        state.withLock { state in
            state.isOver = true
            state.timer?.cancel()
            state.portChanged = nil
        }
    }
}
