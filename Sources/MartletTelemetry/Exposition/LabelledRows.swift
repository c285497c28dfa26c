/// Rows under the values of their labels.
///
/// Rows with equal values become one, since Prometheus refuses a page that has a series twice. Two targets have equal
/// values when a pool names a URL twice, or when one is removed and added again while it still holds requests.
struct LabelledRows<Row: Mergeable> {
    /// In the order in which their values first came.
    private(set) var rows: [(values: [String], row: Row)] = []
    private var places: [[String]: Int] = [:]

    mutating func add(_ row: Row, _ values: [String]) {
        if let place = places[values] { return rows[place].row.merge(row) }
        places[values] = rows.count
        rows.append((values, row))
    }
}

/// What two rows of one series become.
protocol Mergeable {
    mutating func merge(_ other: Self)
}

extension Histogram: Mergeable {}
extension TargetRow: Mergeable {}
extension PoolRow: Mergeable {}
extension ModelRow: Mergeable {}

extension Readings.Target: Mergeable {
    /// From outside they are one target, which is up while one of them is.
    mutating func merge(_ other: Self) {
        inFlight += other.inFlight
        guard other.isUp, !isUp else { return }
        isUp = true
        breaker = other.breaker
    }
}
