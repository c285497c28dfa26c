import Synchronization

/// Room for so many answers at one time, as a model server has: who comes when every slot is taken waits in line.
final class MockSlots: Sendable {
    enum Taken: Equatable {
        case slot
        /// A place in line, to be given to ``leave(_:)`` by who does not wait any longer.
        case place(UInt64)
    }

    private struct Book {
        var busy = 0
        var mostBusy = 0
        var mostWaiting = 0
        /// Who waits, by the number of the place. Places of those who left are missing.
        var line: [UInt64: @Sendable () -> Void] = [:]
        var first: UInt64 = 0
        var next: UInt64 = 0

        mutating func popFirst() -> (@Sendable () -> Void)? {
            while first < next {
                defer { first += 1 }
                if let grant = line.removeValue(forKey: first) { return grant }
            }
            return nil
        }
    }

    /// nil: as many as come.
    let limit: Int?
    private let book = Mutex(Book())

    init(limit: Int?) {
        self.limit = limit
    }

    /// - Parameter grant: called, on any thread, when a slot was given to who got a place in line. It may come just
    ///   after ``leave(_:)``: then the slot must be given back.
    func take(_ grant: @escaping @Sendable () -> Void) -> Taken {
        book.withLock { book in
            if book.busy < limit ?? .max {
                book.busy += 1
                book.mostBusy = max(book.mostBusy, book.busy)
                return .slot
            }
            let place = book.next
            book.next += 1
            book.line[place] = grant
            book.mostWaiting = max(book.mostWaiting, book.line.count)
            return .place(place)
        }
    }

    func leave(_ place: UInt64) {
        book.withLock { _ = $0.line.removeValue(forKey: place) }
    }

    /// A slot is free: the first in line takes it over.
    func giveBack() {
        let grant = book.withLock { book in
            let grant = book.popFirst()
            if grant == nil { book.busy -= 1 }
            return grant
        }
        grant?()
    }

    func note(in stats: inout MockStats) {
        stats.slots = limit
        book.withLock { book in
            stats.busy = book.busy
            stats.mostBusy = book.mostBusy
            stats.waiting = book.line.count
            stats.mostWaiting = book.mostWaiting
        }
    }
}
