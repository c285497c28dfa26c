package import MartletBase

/// The counts of one pool.
package struct PoolRow: Sendable {
    package var queueWait: [Histogram<DurationScale>] = PriorityClass.allCases.map { _ in Histogram() }
    package var retries = EnumCounts<FailureClass>()
    package var bytesIn: UInt64 = 0
    package var bytesOut: UInt64 = 0

    package init() {}

    mutating func record(_ record: borrowing RequestRecord) {
        bytesIn &+= record.bytesIn
        bytesOut &+= record.bytesOut
        if let wait = record.queueWaitNanoseconds {
            queueWait[Int(record.priority.rawValue)].observe(wait)
        }
    }

    package mutating func merge(_ other: Self) {
        for index in queueWait.indices {
            queueWait[index].merge(other.queueWait[index])
        }
        retries.merge(other.retries)
        bytesIn &+= other.bytesIn
        bytesOut &+= other.bytesOut
    }
}

/// The counts of one model and operation.
package struct ModelRow: Sendable {
    package var duration = Histogram<DurationScale>()
    package var firstChunk = Histogram<DurationScale>()
    package var inputTokens = Histogram<TokenScale>()
    package var outputTokens = Histogram<TokenScale>()

    package init() {}

    mutating func record(_ record: borrowing RequestRecord) {
        duration.observe(record.durationNanoseconds)
        if let firstByte = record.firstByteNanoseconds { firstChunk.observe(firstByte) }
        if let tokens = record.inputTokens { inputTokens.observe(tokens) }
        if let tokens = record.outputTokens { outputTokens.observe(tokens) }
    }

    package mutating func merge(_ other: Self) {
        duration.merge(other.duration)
        firstChunk.merge(other.firstChunk)
        inputTokens.merge(other.inputTokens)
        outputTokens.merge(other.outputTokens)
    }
}

/// What is counted for the process alone.
package struct GlobalCounts: Sendable {
    package var errors = EnumCounts<ErrorCode>()
    package var cancelled = EnumCounts<CancelPhase>()
    package var impossibleEvents: UInt64 = 0
    /// Gauges: a loop may hold a negative share of one, only the sum means something.
    package var bufferedBytes: Int64 = 0
    package var connections = InlineArray<3, Int64>(repeating: 0)

    package init() {}

    package mutating func merge(_ other: Self) {
        errors.merge(other.errors)
        cancelled.merge(other.cancelled)
        impossibleEvents &+= other.impossibleEvents
        bufferedBytes &+= other.bufferedBytes
        for index in connections.indices {
            connections[index] &+= other.connections[index]
        }
    }
}
