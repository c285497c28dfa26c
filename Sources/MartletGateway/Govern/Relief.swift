import MartletBase
import MartletExchange
import MartletLogic
import MartletNet

/// What keeps the count true and presses for descriptors to come back, until the task is cancelled.
package struct Relief: Sendable {
    private let governor: Governor
    private let loops: LoopTable
    /// Told once the budget is used to 80 % (`Pressure.closing`), and again while it is. It must not wait for anything:
    /// nothing else gives descriptors back meanwhile.
    private let isClosing: @Sendable () -> Void

    private static let tick: Duration = .milliseconds(100)
    private static let countEvery: Duration = .seconds(5)
    private static let sweepEvery: Duration = .seconds(1)
    /// Connections closed on each loop in one tick.
    private static let batch = 32

    package init(governor: Governor, loops: LoopTable, isClosing: @escaping @Sendable () -> Void = {}) {
        self.governor = governor
        self.loops = loops
        self.isClosing = isClosing
    }

    package func run() async {
        async let _ = count()
        async let _ = sweep()
        let finds = loops.watch.finds(every: Self.tick) { [governor, loops] in
            let pressure = governor.pressure
            if pressure >= .shortened { loops.broadcast { Self.relieve($0, pressure) } }
            return governor.takePeak() >= .closing
        }
        for await _ in finds { isClosing() }
    }

    /// Reads a folder: not on an event loop.
    private func count() async {
        repeat { governor.counted(OpenFiles.count()) } while (try? await Task.sleep(for: Self.countEvery)) != nil
    }

    private func sweep() async {
        let finds = loops.watch.finds(every: Self.sweepEvery) { [loops] in
            loops.sweepSockets()
            return false
        }
        for await _ in finds {}
    }

    /// On the loop of `context`.
    static func relieve(_ context: LoopContext, _ pressure: Pressure) {
        // A client that has just been answered is likely to ask again.
        let patience: Duration = pressure >= .closing ? .seconds(1) : .seconds(5)
        context.readClock()
        context.clients.giveUpIdle(since: context.now - patience, count: Self.batch)
        if pressure >= .closing { _ = context.legs?.shedIdle(Self.batch) }
    }
}

extension Governor {
    /// The process has so many descriptors open; its limit may have been changed from outside.
    func counted(_ open: Int?) {
        guard let open else { return }
        let limit = try? OpenFiles.limit().soft
        change { state in
            state.machine.counted(open)
            if let limit, limit != state.machine.budget.limit {
                state.machine.rebudget(limit: limit, standing: state.machine.other)
            }
        }
    }

    fileprivate func takePeak() -> Pressure {
        change { $0.machine.takePeak() }
    }
}
