/// Whether something of which requests take and give back becomes more and more.
///
/// The life of a worker is cut into stretches of so many requests. The least that it was seen to hold in one is its
/// *floor*. What a worker opens once, such as files of its model or connections that it keeps, raises some floors and
/// then no more. A leak raises each, in step with the requests: floors that lie on a line. Those of a worker that
/// merely has more and less to do may rise for a while, but hardly on a line.
struct FloorTrend: Sendable {
    /// So many stretches in a row are looked at, …
    private static let stretches = 8
    /// … or so many where there is no time for more.
    private static let fewestStretches = 4
    /// Looks in a stretch, at least.
    private static let looks = 3
    /// What they rise by in all, at least, …
    private static let leastRise = 16
    /// … and for each request.
    private static let leastRate = 0.001
    /// How much of the floors' variance a line must explain.
    private static let straightness = 0.9
    private static let straightnessOfFew = 0.98

    private struct Stretch {
        let from: Int
        var floor: Int
        var looks = 1
    }

    private let requests: Int
    private var current: Stretch?
    private var floors: [(served: Int, floor: Int)] = []

    /// - Parameter requests: How many make a stretch.
    init(stretch requests: Int) { self.requests = requests }

    mutating func look(served: Int, held: Int) {
        guard var stretch = current else { return current = Stretch(from: served, floor: held) }
        stretch.floor = min(stretch.floor, held)
        stretch.looks += 1
        current = stretch
        guard served - stretch.from >= requests, stretch.looks >= Self.looks else { return }
        floors.append((stretch.from, stretch.floor))
        if floors.count > Self.stretches { floors.removeFirst() }
        current = Stretch(from: served, floor: held)
    }

    var isRising: Bool { rises(over: Self.stretches, byAtLeast: Self.leastRise, straightness: Self.straightness) }

    /// The same from fewer floors that rise by much.
    func rises(byAtLeast least: Int) -> Bool {
        rises(
            over: Self.fewestStretches, byAtLeast: max(least, Self.leastRise), straightness: Self.straightnessOfFew)
    }

    private func rises(over count: Int, byAtLeast least: Int, straightness: Double) -> Bool {
        let recent = floors.suffix(count)
        guard recent.count == count, let first = recent.first, let last = recent.last else { return false }
        let rise = last.floor - first.floor
        return rise >= least && Double(rise) >= Self.leastRate * Double(last.served - first.served)
            && zip(recent, recent.dropFirst()).allSatisfy { $0.floor < $1.floor }
            && Self.straightness(of: recent) >= straightness
    }

    /// The share of the floors' variance that a line over the requests served explains (the squared correlation).
    private static func straightness(of points: ArraySlice<(served: Int, floor: Int)>) -> Double {
        let count = Double(points.count)
        let meanX = points.reduce(0) { $0 + Double($1.served) } / count
        let meanY = points.reduce(0) { $0 + Double($1.floor) } / count
        var (xx, xy, yy) = (0.0, 0.0, 0.0)
        for point in points {
            let (x, y) = (Double(point.served) - meanX, Double(point.floor) - meanY)
            xx += x * x
            xy += x * y
            yy += y * y
        }
        return xx > 0 && yy > 0 ? xy * xy / (xx * yy) : 0
    }
}
