/// The choice of nginx's `least_conn` and round robin in nginx's own terms, to compare ours with: peers in a list,
/// whole weights, `tried` and `down` folded into one flag.
struct NginxReference {
    struct Peer {
        var weight: Int
        var effectiveWeight: Int
        var currentWeight = 0
        var conns = 0
        var isUsable = true
    }

    var peers: [Peer]

    init(weights: [Int]) {
        peers = weights.map { Peer(weight: $0, effectiveWeight: $0) }
    }

    mutating func fail(_ index: Int, maxFails: Int) {
        let cut = peers[index].weight / maxFails
        peers[index].effectiveWeight = max(0, peers[index].effectiveWeight - cut)
    }

    mutating func leastConnections() -> Int? {
        var best: Int?
        var many = false
        for i in peers.indices where peers[i].isUsable {
            let mine = best.map { peers[i].conns * peers[$0].weight } ?? -1
            let theirs = best.map { peers[$0].conns * peers[i].weight } ?? 0
            if mine < theirs {
                best = i
                many = false
            } else if mine == theirs {
                many = true
            }
        }
        guard let first = best else { return nil }
        let chosen = many ? takeTurns(from: first) : first
        peers[chosen].conns += 1
        return chosen
    }

    mutating func roundRobin() -> Int? {
        var best: Int?
        var total = 0
        for i in peers.indices where peers[i].isUsable {
            advance(i, &total)
            if best.map({ peers[i].currentWeight > peers[$0].currentWeight }) ?? true { best = i }
        }
        if let best { peers[best].currentWeight -= total }
        return best
    }

    private mutating func takeTurns(from first: Int) -> Int {
        var best = first
        var total = 0
        for i in first..<peers.count where peers[i].isUsable {
            guard peers[i].conns * peers[best].weight == peers[best].conns * peers[i].weight else { continue }
            advance(i, &total)
            if peers[i].currentWeight > peers[best].currentWeight { best = i }
        }
        peers[best].currentWeight -= total
        return best
    }

    private mutating func advance(_ i: Int, _ total: inout Int) {
        peers[i].currentWeight += peers[i].effectiveWeight
        total += peers[i].effectiveWeight
        if peers[i].effectiveWeight < peers[i].weight { peers[i].effectiveWeight += 1 }
    }
}
