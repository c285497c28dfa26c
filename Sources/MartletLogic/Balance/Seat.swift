/// What balancing knows about one target.
///
/// Weights are in hundredths, so that a target in slow start can weigh less than one. Scaling every weight alike
/// changes no choice: sequences are those of nginx.
struct Seat: Sendable, Equatable {
    static let scale = 100
    /// Bounds the products of the policies far below overflow.
    static let heaviest = 1_000_000

    /// The configured weight, in hundredths.
    private(set) var fullWeight: Int
    /// A hash of the target's address that does not change between processes.
    let key: UInt64
    /// The weight now, in hundredths: less than ``fullWeight`` in slow start.
    private(set) var weight: Int
    /// nginx's `effective_weight`: falls with each failure, and comes back by one weight unit a round.
    private(set) var effectiveWeight: Int
    /// nginx's `current_weight`: the standing in the smooth round robin.
    var currentWeight = 0
    /// Requests in flight.
    var inflight = 0
    /// Whether this pick may choose it; set anew for each pick.
    var isEligible = false

    init(weight: Int, key: UInt64) {
        fullWeight = Self.full(weight)
        self.weight = fullWeight
        effectiveWeight = fullWeight
        self.key = key
    }

    /// Another configured weight.
    mutating func adopt(weight: Int) {
        guard Self.full(weight) != fullWeight else { return }
        fullWeight = Self.full(weight)
        self.weight = fullWeight
        effectiveWeight = fullWeight
        currentWeight = 0
    }

    private static func full(_ weight: Int) -> Int { min(max(weight, 1), heaviest) * scale }

    /// Sets the share of its weight that it has now, in percent.
    mutating func setShare(percent: Int) {
        weight = max(1, fullWeight / 100 * min(max(percent, 1), 100))
        effectiveWeight = min(effectiveWeight, weight)
    }

    /// A failure costs `weight / max_fails`, in whole units as in nginx.
    mutating func penalise(maxFails: Int) {
        guard maxFails > 0 else { return }
        effectiveWeight = max(0, effectiveWeight - weight / Self.scale / maxFails * Self.scale)
    }

    /// One turn in the smooth round robin: gains what it weighs now, and returns that.
    mutating func turn() -> Int {
        let gain = effectiveWeight
        currentWeight += gain
        effectiveWeight = min(weight, effectiveWeight + Self.scale)
        return gain
    }

    /// Whether this seat carries less for its weight than `other`: `a/w < b/v` without a division.
    func isLighter(than other: Seat) -> Bool {
        inflight * other.weight < other.inflight * weight
    }

    /// Whether both carry the same for their weight.
    func isLevel(with other: Seat) -> Bool {
        inflight * other.weight == other.inflight * weight
    }
}
