import NIOCore

/// `CLOCK_MONOTONIC` in nanoseconds: one clock for every process of a machine, so that a time the mock writes into an
/// event can be compared with the time the load generator reads it.
@inline(__always)
func monotonicNanoseconds() -> UInt64 {
    NIODeadline.now().uptimeNanoseconds
}
