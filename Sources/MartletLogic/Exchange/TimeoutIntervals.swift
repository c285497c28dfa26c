public import MartletBase

/// `Timeouts`, ready for the hot path.
public struct TimeoutIntervals: Sendable, Equatable {
    public let connect: Interval
    public let queue: Interval
    public let firstByte: Interval
    public let idle: Interval
    public let total: Interval

    public init(_ timeouts: Timeouts) {
        connect = Interval(timeouts.connect)
        queue = Interval(timeouts.queue)
        firstByte = Interval(timeouts.firstByte)
        idle = Interval(timeouts.idle)
        total = Interval(timeouts.total)
    }
}
