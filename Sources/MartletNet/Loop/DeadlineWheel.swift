package import MartletBase
package import NIOCore

/// Something with a deadline on one event loop.
package protocol Timed: AnyObject {
    /// The deadline it was armed for passed. Answers when to look again; `.never` disarms it.
    func deadlineReached(now: Instant) -> Instant
}

/// All the deadlines of one event loop, on one NIO timer.
///
/// A hashed timing wheel: arming and disarming cost a few loads and stores and never allocate once warm, so every
/// request and every connection can afford one. It is coarse on purpose (a tick is 10 ms): network timeouts are long
/// and mostly never fire. Owners keep their real deadline in a field and may let an entry fire early; they answer with
/// the next instant, which is cheaper than moving the entry on every byte. Ticks at which nothing can be due are left
/// out, so that connections that do nothing wake nobody.
package final class DeadlineWheel: NIOScheduledCallbackHandler {
    /// Where an armed entry lives. Valid until it is disarmed, or fires and answers `.never`.
    package struct Handle: Sendable, Equatable {
        fileprivate var index: Int32
        package static let none = Handle(index: -1)
    }

    private struct Entry {
        var owner: (any Timed)?
        var due: UInt64
        var next: Int32
        var previous: Int32
    }

    private static let tick: Duration = .milliseconds(10)
    private static let tickNanoseconds: UInt64 = 10_000_000
    private static let slotCount = 1024
    private static let none: Int32 = -1

    private let loop: any EventLoop
    private var entries: [Entry] = []
    private var free: Int32 = DeadlineWheel.none
    private var slots = [Int32](repeating: DeadlineWheel.none, count: DeadlineWheel.slotCount)
    private var lastTick: UInt64
    private var armedCount = 0
    /// The next tick that wakes the loop; nil: none is needed, or entries are being visited.
    private var wake: (tick: UInt64, callback: NIOScheduledCallback)?
    private var isVisiting = false

    package init(loop: any EventLoop) {
        self.loop = loop
        lastTick = loop.now.uptimeNanoseconds / Self.tickNanoseconds
    }

    /// Entries armed now.
    package var count: Int { armedCount }

    /// Calls `owner` at the first tick after `instant`.
    package func arm(_ owner: any Timed, at instant: Instant) -> Handle {
        let index = takeEntry()
        entries[Int(index)].owner = owner
        // Nobody counted the ticks while nothing was armed.
        if armedCount == 0, wake == nil, !isVisiting { lastTick = max(lastTick, currentTick) }
        armedCount += 1
        link(index, due: instant)
        return Handle(index: index)
    }

    /// Moves an armed entry, or arms a new one.
    package func rearm(_ handle: inout Handle, _ owner: any Timed, at instant: Instant) {
        guard handle != .none else {
            handle = arm(owner, at: instant)
            return
        }
        unlink(handle.index)
        link(handle.index, due: instant)
    }

    /// Forgets an entry; harmless when it is not armed.
    package func disarm(_ handle: inout Handle) {
        guard handle != .none else { return }
        unlink(handle.index)
        release(handle.index)
        handle = .none
    }

    package func handleScheduledCallback(eventLoop: some EventLoop) {
        wake = nil
        let now = loop.now.uptimeNanoseconds
        let tick = now / Self.tickNanoseconds
        // After a long pause one turn of the wheel visits every slot once.
        let first = max(lastTick + 1, tick >= UInt64(Self.slotCount) ? tick - UInt64(Self.slotCount) + 1 : 0)
        // Before any owner acts: what it arms for the past is due in the next tick, not in a slot already visited.
        lastTick = tick
        isVisiting = true
        if first <= tick {
            for position in first...tick {
                visit(slot: Int(position % UInt64(Self.slotCount)), tick: tick, now: Instant(nanoseconds: now))
            }
        }
        isVisiting = false
        if armedCount > 0, let next = nextOccupiedTick { wake(at: next) }
    }

    private var currentTick: UInt64 { loop.now.uptimeNanoseconds / Self.tickNanoseconds }

    /// The first tick after the last whose slot holds an entry.
    private var nextOccupiedTick: UInt64? {
        let turn = UInt64(Self.slotCount)
        return (lastTick + 1...lastTick + turn).first { slots[Int($0 % turn)] != Self.none }
    }

    /// Wakes the loop at `tick`, or sooner where that was settled before.
    private func wake(at tick: UInt64) {
        guard !isVisiting, tick < wake?.tick ?? .max else { return }
        wake?.callback.cancel()
        let moment = NIODeadline.uptimeNanoseconds(tick * Self.tickNanoseconds)
        // A loop that is shutting down refuses timers; its channels are closing anyway.
        wake = (try? loop.assumeIsolated().scheduleCallback(at: moment, handler: self)).map { (tick, $0) }
    }

    private func visit(slot: Int, tick: UInt64, now: Instant) {
        // The list may change under us while owners act: take what is due first, then call.
        var due: [Int32] = []
        var index = slots[slot]
        while index != Self.none {
            if entries[Int(index)].due <= tick { due.append(index) }
            index = entries[Int(index)].next
        }
        for index in due {
            // An owner called before this one may have disarmed it.
            guard let owner = entries[Int(index)].owner, entries[Int(index)].due <= tick else { continue }
            let next = owner.deadlineReached(now: now)
            guard entries[Int(index)].owner === owner else { continue }
            unlink(index)
            if next == .never {
                // The handle stays with its owner: parked, not freed.
                entries[Int(index)].due = .max
                park(index)
            } else {
                link(index, due: next)
            }
        }
    }

    // MARK: Lists

    private func takeEntry() -> Int32 {
        if free != Self.none {
            let index = free
            free = entries[Int(index)].next
            return index
        }
        entries.append(Entry(owner: nil, due: 0, next: Self.none, previous: Self.none))
        return Int32(entries.count - 1)
    }

    private func release(_ index: Int32) {
        entries[Int(index)].owner = nil
        entries[Int(index)].next = free
        free = index
        armedCount -= 1
    }

    private func link(_ index: Int32, due instant: Instant) {
        let due = max(instant.nanoseconds / Self.tickNanoseconds &+ 1, lastTick + 1)
        entries[Int(index)].due = due
        insert(index, slot: Int(due % UInt64(Self.slotCount)))
        // Its slot comes round before it is due where that is more than a turn of the wheel away.
        wake(at: lastTick + 1 + (due - lastTick - 1) % UInt64(Self.slotCount))
    }

    /// Keeps a disarmed entry in some slot, so that unlinking it stays one operation.
    private func park(_ index: Int32) {
        insert(index, slot: 0)
    }

    private func insert(_ index: Int32, slot: Int) {
        let head = slots[slot]
        entries[Int(index)].next = head
        entries[Int(index)].previous = Int32(-2 - slot)
        if head != Self.none { entries[Int(head)].previous = index }
        slots[slot] = index
    }

    private func unlink(_ index: Int32) {
        let entry = entries[Int(index)]
        if entry.previous <= -2 {
            slots[Int(-2 - entry.previous)] = entry.next
        } else {
            entries[Int(entry.previous)].next = entry.next
        }
        if entry.next != Self.none { entries[Int(entry.next)].previous = entry.previous }
    }
}
