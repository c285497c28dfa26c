package import MartletBase

/// One entry of the wheel that is moved only to an earlier instant. One that fires early is put off then, which is
/// cheaper than moving it for every request or every byte.
package struct LazyTimer {
    private var handle = DeadlineWheel.Handle.none
    private var armedUntil = Instant.never

    package init() {}

    /// Wakes `owner` at `instant` at the latest.
    package mutating func wake(_ owner: any Timed, by instant: Instant, on wheel: DeadlineWheel) {
        guard instant < armedUntil else { return }
        armedUntil = instant
        wheel.rearm(&handle, owner, at: instant)
    }

    /// The entry fired: from here on `wake` arms it anew.
    package mutating func fired() {
        armedUntil = .never
    }

    /// What to answer the wheel: `next`, or what `wake` asked for since the entry fired.
    package mutating func again(at next: Instant) -> Instant {
        armedUntil = min(armedUntil, next)
        return armedUntil
    }

    package mutating func disarm(on wheel: DeadlineWheel) {
        wheel.disarm(&handle)
    }
}
