/// `least_conn`: the fewest requests in flight for its weight, exactly as nginx does it.
///
/// Seats that are level take turns by smooth weighted round robin among themselves. Requests in flight are compared by
/// cross multiplication, so weights mean capacity and no precision is lost.
struct LeastConnections: Balancing {
    mutating func pick(_ seats: inout [Seat], key: UInt64?) -> Int? {
        var best: Int?
        var isTie = false
        for index in seats.indices where seats[index].isEligible {
            guard let current = best else {
                best = index
                continue
            }
            if seats[index].isLighter(than: seats[current]) {
                best = index
                isTie = false
            } else if seats[index].isLevel(with: seats[current]) {
                isTie = true
            }
        }
        guard let first = best, isTie else { return best }
        return takeTurns(&seats, from: first)
    }

    /// The round robin among the seats that are level with `first`, which is the first of them.
    private func takeTurns(_ seats: inout [Seat], from first: Int) -> Int {
        var best = first
        var total = 0
        for index in first..<seats.count
        where seats[index].isEligible && seats[index].isLevel(with: seats[first]) {
            total += seats[index].turn()
            if seats[index].currentWeight > seats[best].currentWeight { best = index }
        }
        seats[best].currentWeight -= total
        return best
    }
}
