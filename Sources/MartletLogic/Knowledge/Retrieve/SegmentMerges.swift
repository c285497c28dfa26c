/// When segments become one: searching many small ones costs more than a few large ones, and rows that are gone cost
/// as much as those that are there.
public enum SegmentMerges {
    /// So many of about a size are joined.
    public static let fan = 6
    /// No segment has more rows.
    public static let mostRows = 32_768
    private static let smallest = 64

    /// The segments to join next, by their places; nil: it is good as it is.
    ///
    /// - Parameter segments: How many rows each has, and how many of them are live.
    public static func next(_ segments: [(rows: Int, live: Int)]) -> [Int]? {
        if let place = segments.firstIndex(where: { $0.live * 2 < $0.rows }) { return [place] }
        var tiers: [Int: [Int]] = [:]
        for (place, segment) in segments.enumerated() { tiers[tier(segment.live), default: []].append(place) }
        for (_, places) in tiers.sorted(by: { $0.key < $1.key }) where places.count >= fan {
            var (chosen, rows): ([Int], Int) = ([], 0)
            for place in places where rows + segments[place].live <= mostRows {
                chosen.append(place)
                rows += segments[place].live
            }
            if chosen.count > 1 { return chosen }
        }
        return nil
    }

    /// Segments of a tier have about as many rows.
    private static func tier(_ rows: Int) -> Int {
        var (tier, limit) = (0, smallest)
        while rows > limit {
            tier += 1
            limit *= fan
        }
        return tier
    }
}
