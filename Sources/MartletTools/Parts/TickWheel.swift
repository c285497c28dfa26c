import NIOCore

/// Something that has work to do at a point in time.
protocol Ticking: AnyObject {
    /// Called when the time asked for has come. `ticket` is what was given to ``TickWheel/add(_:ticket:due:)``: a stale
    /// one means the work was called off since. Returns when to come again (nanoseconds), or nil.
    func tick(ticket: UInt32, now: UInt64) -> UInt64?
}

/// Timers for thousands of streams on one event loop: one NIO task wakes for all that is due within a millisecond.
///
/// A NIO task for each event costs a heap operation and an allocation; here an event costs an append to an array.
/// Nothing fires early; it fires up to one slot late.
final class TickWheel {
    private struct Entry {
        let target: any Ticking
        let ticket: UInt32
        let slot: UInt64
    }

    private static let slotNanoseconds: UInt64 = 1_000_000
    private static let slotCount = 1024

    private let loop: any EventLoop
    private var slots = [[Entry]](repeating: [], count: TickWheel.slotCount)
    /// An emptied array, kept for its storage.
    private var spare: [Entry] = []
    private var count = 0
    private var lastSlot: UInt64
    private var armed: (slot: UInt64, task: Scheduled<Void>)?

    init(loop: any EventLoop) {
        self.loop = loop
        lastSlot = monotonicNanoseconds() / Self.slotNanoseconds
    }

    func add(_ target: any Ticking, ticket: UInt32, due: UInt64) {
        place(Entry(target: target, ticket: ticket, slot: slot(of: due)))
        arm()
    }

    /// The first slot that begins at or after `due`, and always one that is still to come.
    private func slot(of due: UInt64) -> UInt64 {
        let (rounded, overflow) = due.addingReportingOverflow(Self.slotNanoseconds - 1)
        return max(overflow ? .max : rounded / Self.slotNanoseconds, lastSlot + 1)
    }

    private func place(_ entry: Entry) {
        slots[Int(entry.slot % UInt64(Self.slotCount))].append(entry)
        count += 1
    }

    private func turn() {
        armed = nil
        let now = monotonicNanoseconds()
        let nowSlot = now / Self.slotNanoseconds
        let first = max(lastSlot + 1, nowSlot >= UInt64(Self.slotCount) ? nowSlot - UInt64(Self.slotCount) + 1 : 0)
        lastSlot = max(lastSlot, nowSlot)
        if first <= nowSlot {
            for slot in first...nowSlot {
                fire(slot: Int(slot % UInt64(Self.slotCount)), nowSlot: nowSlot, now: now)
            }
        }
        arm()
    }

    private func fire(slot: Int, nowSlot: UInt64, now: UInt64) {
        guard !slots[slot].isEmpty else { return }
        var due: [Entry] = []
        swap(&due, &spare)
        swap(&due, &slots[slot])
        count -= due.count
        for entry in due {
            if entry.slot > nowSlot {
                place(entry)
            } else if let next = entry.target.tick(ticket: entry.ticket, now: now) {
                place(Entry(target: entry.target, ticket: entry.ticket, slot: self.slot(of: next)))
            }
        }
        due.removeAll(keepingCapacity: true)
        swap(&due, &spare)
    }

    /// Makes sure that one task wakes for the next slot that holds anything (a slot may hold entries of a later round:
    /// then the wake-up finds nothing to do, once a second).
    private func arm() {
        guard count > 0 else { return }
        let limit = armed?.slot ?? .max
        var slot = lastSlot + 1
        while slot < limit, slots[Int(slot % UInt64(Self.slotCount))].isEmpty { slot += 1 }
        guard slot < limit else { return }
        armed?.task.cancel()
        let deadline = NIODeadline.uptimeNanoseconds(slot * Self.slotNanoseconds)
        armed = (slot, loop.assumeIsolated().scheduleTask(deadline: deadline) { self.turn() })
    }
}
