import MartletLogic
import NIOCore
import Synchronization

/// Lets a listener accept as many connections as there are descriptors for, and none beyond: clients wait in the
/// kernel's queue meanwhile. On the listening channel, before what accepts.
///
/// A read that is not passed on takes the listener out of the selector: waiting costs nothing.
final class AcceptGate: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias OutboundIn = Never

    /// Places come free without a connection's end as well, such as when others give up descriptors.
    private static let recheck: TimeAmount = .milliseconds(50)

    private let governor: Governor
    private let isConsole: Bool
    private var context: ChannelHandlerContext?
    private var isShut = false
    private var timer: Scheduled<Void>?
    /// Whether the governor calls it when a connection closes: once, however often it was shut since.
    private var isListed = false
    private var batch = 0

    init(governor: Governor, isConsole: Bool) {
        self.governor = governor
        self.isConsole = isConsole
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        governor.listeners(changedBy: 1)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        governor.listeners(changedBy: -1)
    }

    func read(context: ChannelHandlerContext) {
        guard !isShut else { return }
        let next = governor.acceptBatch(isConsole: isConsole)
        guard next > 0 else { return shut(context) }
        if next != batch {
            batch = next
            try? context.channel.syncOptions?.setOption(.maxMessagesPerRead, value: UInt(next))
        }
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        governor.accepted(isConsole: isConsole)
        context.fireChannelRead(data)
    }

    private func shut(_ context: ChannelHandlerContext) {
        isShut = true
        if !isListed {
            isListed = true
            governor.wake(NIOLoopBound(self, eventLoop: context.eventLoop))
        }
        let loop = context.eventLoop
        let bound = NIOLoopBound(self, eventLoop: loop)
        timer = loop.scheduleTask(in: Self.recheck) { bound.value.open() }
    }

    /// A connection closed.
    func woken() {
        isListed = false
        open()
    }

    /// There may be room again.
    private func open() {
        guard isShut else { return }
        timer?.cancel()
        timer = nil
        isShut = false
        if let context { read(context: context) }
    }
}

extension Governor {
    /// How many connections a listener may accept in one go; 0: none for now.
    fileprivate func acceptBatch(isConsole: Bool) -> Int {
        state.withLock { state in
            min(isConsole ? state.machine.consoleRoom : state.machine.acceptRoom, state.machine.budget.batch)
        }
    }

    fileprivate func accepted(isConsole: Bool) {
        change { if isConsole { $0.machine.consoleAccepted() } else { $0.machine.clientAccepted() } }
    }

    /// Calls `gate.woken()` when a connection closes.
    fileprivate func wake(_ gate: NIOLoopBound<AcceptGate>) {
        change { $0.shutGates.append(gate) }
    }

    fileprivate func listeners(changedBy change: Int) {
        self.change { $0.listeners += change }
    }
}
