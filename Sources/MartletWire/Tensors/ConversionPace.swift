import MartletBase

/// Counts the values of a conversion, and ends it when nobody waits for it any more: millions of values take seconds of
/// a thread that others need.
struct ConversionPace {
    /// Values between two looks.
    private static let stretch = 4096

    private var values = 0

    /// One more value.
    ///
    /// - Throws: `deadlineExceeded` where the task was cancelled.
    mutating func step() throws(WireError) {
        values += 1
        guard values.isMultiple(of: Self.stretch), Task.isCancelled else { return }
        throw WireError(.deadlineExceeded, "nobody waits for the tensors any more")
    }
}
