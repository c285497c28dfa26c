import MartletBase

/// `random_two`: two different seats at random, by weight; the one that carries less for its weight is taken.
///
/// Several gateways in front of the same targets do not all run to the one that looks least busy.
struct RandomTwo: Balancing {
    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func pick(_ seats: inout [Seat], key: UInt64?) -> Int? {
        var total = 0
        for index in seats.indices where seats[index].isEligible { total += seats[index].weight }
        guard let first = draw(seats, total: total, except: nil) else { return nil }
        guard let second = draw(seats, total: total - seats[first].weight, except: first) else { return first }
        return seats[second].isLighter(than: seats[first]) ? second : first
    }

    private mutating func draw(_ seats: [Seat], total: Int, except taken: Int?) -> Int? {
        guard total > 0 else { return nil }
        var rest = Int.random(in: 0..<total, using: &random)
        for index in seats.indices where seats[index].isEligible && index != taken {
            rest -= seats[index].weight
            if rest < 0 { return index }
        }
        return nil
    }
}
