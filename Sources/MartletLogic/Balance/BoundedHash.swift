import MartletBase

/// `hash`: a key's requests stay on one target, unless it already carries more than `bound` times its fair share.
///
/// Weighted rendezvous hashing: every seat has a score for the key and the highest wins, so a seat that leaves moves
/// only its own keys, and one that comes takes its share from all. The next highest score takes what a busy seat may
/// not, which keeps the overflow of a key together too. One score a seat is cheap for the few targets a pool has.
struct BoundedHash: Balancing {
    private let bound: Double
    /// For requests without a key: they have no home, so the least busy seat is best.
    private var keyless = LeastConnections()

    init(bound: Double) {
        self.bound = bound >= 1 ? bound : 1
    }

    mutating func pick(_ seats: inout [Seat], key: UInt64?) -> Int? {
        guard let key else { return keyless.pick(&seats, key: nil) }
        var inflight = 1
        var weight = 0
        for index in seats.indices where seats[index].isEligible {
            inflight += seats[index].inflight
            weight += seats[index].weight
        }
        guard weight > 0 else { return nil }
        let allowedPerWeight = bound * Double(inflight) / Double(weight)
        var best: (index: Int, score: Double)?
        var bestIfAllWereBusy: (index: Int, score: Double)?
        for index in seats.indices where seats[index].isEligible {
            let score = Self.score(key: key, seat: seats[index])
            if score > bestIfAllWereBusy?.score ?? -.infinity { bestIfAllWereBusy = (index, score) }
            guard Double(seats[index].inflight) < allowedPerWeight * Double(seats[index].weight) else { continue }
            if score > best?.score ?? -.infinity { best = (index, score) }
        }
        return (best ?? bestIfAllWereBusy)?.index
    }

    /// `weight / -ln(u)`, with `u` in (0, 1) drawn from key and seat: the weighted form of rendezvous hashing.
    static func score(key: UInt64, seat: Seat) -> Double {
        let drawn = mix(mix(key) ^ seat.key &* 0x9E37_79B9_7F4A_7C15)
        let unit = (Double(drawn >> 12) + 0.5) * 0x1p-52
        return Double(seat.weight) / -naturalLogarithm(unit)
    }

    /// Spreads `value` over all 64 bits: close values come far apart.
    private static func mix(_ value: UInt64) -> UInt64 {
        var random = SplitMix64(seed: value)
        return random.next()
    }

    /// ln(x) for x > 0, good to six digits: this room imports no C library, and the same scores on every machine
    /// matter more than the last digits.
    static func naturalLogarithm(_ x: Double) -> Double {
        let s = (x.significand - 1) / (x.significand + 1)
        let square = s * s
        let series = 1 + square * (1.0 / 3 + square * (1.0 / 5 + square * (1.0 / 7 + square / 9)))
        return Double(x.exponent) * 0.693_147_180_559_945_3 + 2 * s * series
    }
}
