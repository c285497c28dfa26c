import MartletLogic
import Testing

@Suite("How long the oldest message of a list has waited")
struct QueueAgeTests {
    /// A list that is served in order, and looked at as the desk does.
    private struct Queue {
        /// The oldest first, with the time when each was pushed.
        var messages: [(name: [UInt8], time: Double)] = []
        var age = QueueAge(now: 0)
        private var number = 0

        mutating func push(_ count: Int = 1, at time: Double) {
            for _ in 0..<count {
                number += 1
                messages.append((Array("message \(number)".utf8), time))
            }
        }

        mutating func look(at now: Double) -> (told: Double, real: Double) {
            repeat {
                let isThere = age.marker.map { marker in messages.contains { $0.name == marker } } ?? false
                guard age.look(newest: messages.last?.name, isMarkerThere: isThere, now: now) else { break }
            } while true
            return (age.seconds, messages.first.map { now - $0.time } ?? 0)
        }
    }

    @Test("Nothing waits, no age; it begins with the first message")
    func empty() {
        var queue = Queue()
        #expect(queue.look(at: 10).told == 0)
        queue.push(at: 10.5)
        #expect(queue.look(at: 11).told <= 0.5)
        #expect(queue.look(at: 15).told == 4)
    }

    @Test("A list whose first message changes all the time has the age of what is served, to a second or so")
    func flow() {
        var queue = Queue()
        // 100 come each second and 100 go, with 1000 before them: each waits ten seconds.
        for second in 1...120 {
            queue.push(100, at: Double(second))
            if second > 10 { queue.messages.removeFirst(100) }
            let (told, real) = queue.look(at: Double(second) + 0.5)
            #expect(abs(told - real) <= 1.01, "second \(second): \(told), in truth \(real)")
        }
    }

    @Test("A list that nobody serves gets older for ever, and costs no more memory")
    func standstill() {
        var queue = Queue()
        for second in 1...5000 {
            queue.push(at: Double(second))
            _ = queue.look(at: Double(second))
        }
        let (told, real) = queue.look(at: 5001)
        #expect(abs(told - real) <= 1.01)
        // Half of it is served: the age is right to the coarseness that memory allows.
        queue.messages.removeFirst(2500)
        let later = queue.look(at: 5002)
        #expect(abs(later.told - later.real) <= 64, "\(later)")
    }

    @Test("Messages that are too long to be noted make no age up")
    func longMessages() {
        var age = QueueAge(now: 0)
        let long = [UInt8](repeating: 0x61, count: 1 << 20)
        for second in 1...100 {
            let isAskedAgain = age.look(newest: long, isMarkerThere: false, now: Double(second))
            #expect(!isAskedAgain)
            #expect(age.marker == nil)
        }
        #expect(age.seconds <= 1)
    }
}
