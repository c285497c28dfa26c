/// What still fits into a batch. The first item always does.
struct BatchBounds: Sendable {
    private var count: Int
    private var bytes: Int
    private var weight: Int
    private var isEmpty = true

    init(count: Int, bytes: Int, weight: Int?) {
        self.count = max(count, 1)
        self.bytes = bytes
        self.weight = weight ?? .max
    }

    /// Takes `item` in; false, and nothing changed, when it does not fit.
    mutating func take(_ item: BatchItem) -> Bool {
        guard isEmpty || (count > 0 && item.bytes <= bytes && item.weight <= weight) else { return false }
        isEmpty = false
        count -= 1
        bytes -= item.bytes
        weight -= item.weight
        return true
    }

    /// Whether so much would fill an empty batch.
    func isFilled(byItems count: Int, bytes: Int, weight: Int) -> Bool {
        count >= self.count || bytes >= self.bytes || weight >= self.weight
    }
}
