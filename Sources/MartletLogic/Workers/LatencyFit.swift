/// How long a batch of so many items takes: the line `latency = a·n + b` with the least squared error over the last
/// batches.
struct LatencyFit: Sendable, Equatable {
    private static let samples = 50
    /// Batches before anything is predicted.
    private static let fewest = 5

    private var sizes: [Double] = []
    private var seconds: [Double] = []
    private var oldest = 0
    /// Seconds for each item more.
    private(set) var slope = 0.0
    /// Seconds whatever the size.
    private(set) var base = 0.0

    var isKnown: Bool { sizes.count >= Self.fewest }

    mutating func add(size: Int, seconds latency: Double) {
        if sizes.count < Self.samples {
            sizes.append(Double(size))
            seconds.append(latency)
        } else {
            sizes[oldest] = Double(size)
            seconds[oldest] = latency
            oldest = (oldest + 1) % Self.samples
        }
        fit()
    }

    /// Seconds that a batch of `size` items takes.
    func latency(of size: Int) -> Double { slope * Double(size) + base }

    /// The most items that take no longer than `latency` seconds; at least 1.
    func largest(within latency: Double) -> Int {
        guard isKnown, slope > 0 else { return .max }
        return Int(min(max((latency - base) / slope, 1), 1e9))
    }

    private mutating func fit() {
        let count = Double(sizes.count)
        let meanSize = sizes.reduce(0, +) / count
        let meanSeconds = seconds.reduce(0, +) / count
        var spread = 0.0
        var common = 0.0
        for (size, latency) in zip(sizes, seconds) {
            spread += (size - meanSize) * (size - meanSize)
            common += (size - meanSize) * (latency - meanSeconds)
        }
        // Batches of one size say nothing about others; a larger one is never believed to be quicker.
        slope = spread > 0 ? max(common / spread, 0) : 0
        base = max(meanSeconds - slope * meanSize, 0)
    }
}
