import MartletBase
import MartletLogic

/// A model server of so many slots behind an adaptive limit, always asked for more than it can do: what does not get a
/// slot waits inside it for its first byte, and a slot is held until the answer ends.
struct SlotServer {
    var slots: Int
    /// Seconds from the slot to the first byte.
    var prefill: Double
    /// Seconds from the first byte to the end, in the mean; drawn for each request.
    var decode: Double
    /// Requests that its callers would have at it at one time.
    var wanted = Int.max
    var limit: AdaptiveLimit
    private var random = SplitMix64(seed: 1)
    private(set) var now = 0.0
    private(set) var completed = 0
    /// Seconds from one request that was sent to it to the next, at most.
    private(set) var longestPause = 0.0
    private var lastSent = 0.0
    /// Seconds to the first byte, summed over the answers that began.
    private var waited = 0.0
    private var inflight = 0
    private var busy = 0
    private var line: [Double] = []
    private var begins: [(at: Double, arrived: Double)] = []
    private var ends: [Double] = []
    /// The limit, summed over the answers that began.
    private var limits = (sum: 0, count: 0)

    init(slots: Int, prefill: Double = 0.2, decode: Double = 1, cap: Int? = nil) {
        self.slots = slots
        self.prefill = prefill
        self.decode = decode
        limit = AdaptiveLimit(cap: cap)
    }

    /// Serves for `seconds`; answers the mean limit, the answers that ended in each second, and the mean time to the
    /// first byte.
    mutating func serve(_ seconds: Double) -> (limit: Double, perSecond: Double, firstByte: Double) {
        let (end, before) = (now + seconds, completed)
        limits = (0, 0)
        waited = 0
        longestPause = 0
        while true {
            fill()
            let first = begins.indices.min { begins[$0].at < begins[$1].at }
            let last = ends.indices.min { ends[$0] < ends[$1] }
            let next = min(first.map { begins[$0].at } ?? .infinity, last.map { ends[$0] } ?? .infinity)
            guard next <= end else { break }
            now = next
            if let first, begins[first].at == next {
                begin(begins.remove(at: first).arrived)
            } else if let last {
                finish(last)
            }
        }
        now = end
        let begun = Double(max(limits.count, 1))
        return (Double(limits.sum) / begun, Double(completed - before) / seconds, waited / begun)
    }

    private mutating func fill() {
        while inflight < min(limit.limit, wanted) {
            inflight += 1
            longestPause = max(longestPause, now - lastSent)
            lastSent = now
            line.append(now)
        }
        while busy < slots, !line.isEmpty {
            busy += 1
            begins.append((now + prefill * draw(0.5), line.removeFirst()))
        }
    }

    private mutating func begin(_ arrived: Double) {
        ends.append(now + decode * draw(0.9))
        _ = limit.answered(after: Interval(.seconds(now - arrived)), inflight: inflight, now: at(now))
        limits.sum += limit.limit
        limits.count += 1
        waited += now - arrived
    }

    private mutating func finish(_ index: Int) {
        ends.remove(at: index)
        busy -= 1
        inflight -= 1
        completed += 1
    }

    /// 1 in the mean, between 1 - `spread` and 1 + `spread`.
    private mutating func draw(_ spread: Double) -> Double {
        1 + spread * (Double(random.next() >> 11) * 0x1p-52 - 1)
    }
}
