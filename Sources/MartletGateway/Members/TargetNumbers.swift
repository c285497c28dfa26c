import MartletBase
import MartletExchange

/// Which number each target is counted under.
///
/// One that left is remembered for a while: its last numbers are still read, and when its address comes back they go
/// on. Only so many are: where addresses change all the time, numbers must not pile up.
struct TargetNumbers {
    /// How many that left and hold no request are remembered.
    static let remembered = 64

    private struct Departed {
        let name: String
        let id: TargetID
        let pool: Pool
    }

    private var last: UInt32 = 0
    private var ids: [String: TargetID] = [:]
    /// The one that left first comes first.
    private var departed: [Departed] = []

    /// The number of a target that comes: its former one, unless requests of that life are still in flight.
    mutating func number(of url: String, version: String, in pool: Pool) -> TargetID {
        let name = Self.name(url, version, pool)
        if let known = ids[name], !pool.targets.contains(where: { $0.id == known }) {
            departed.removeAll { $0.id == known }
            return known
        }
        last += 1
        ids[name] = TargetID(last)
        return TargetID(last)
    }

    /// A target left; answers those that are to be forgotten for good.
    mutating func left(_ target: Target, _ pool: Pool) -> [TargetID] {
        departed.append(Departed(name: Self.name(target.url, target.version, pool), id: target.id, pool: pool))
        var forgotten: [TargetID] = []
        while departed.count > Self.remembered, let index = departed.firstIndex(where: { $0.pool.isEmpty($0.id) }) {
            let gone = departed.remove(at: index)
            if ids[gone.name] == gone.id { ids[gone.name] = nil }
            forgotten.append(gone.id)
        }
        return forgotten
    }

    private static func name(_ url: String, _ version: String, _ pool: Pool) -> String {
        "\(pool.name) \(url) \(version)"
    }
}
