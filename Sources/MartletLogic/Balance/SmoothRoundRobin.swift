/// `round_robin`: nginx's smooth weighted round robin. Weights 5, 1, 1 give a a b a c a a, not a a a a a b c.
struct SmoothRoundRobin: Balancing {
    mutating func pick(_ seats: inout [Seat], key: UInt64?) -> Int? {
        var best: Int?
        var total = 0
        for index in seats.indices where seats[index].isEligible {
            total += seats[index].turn()
            if let current = best, seats[index].currentWeight <= seats[current].currentWeight { continue }
            best = index
        }
        if let best { seats[best].currentWeight -= total }
        return best
    }
}
