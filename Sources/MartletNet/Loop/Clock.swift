package import MartletBase
import NIOCore

extension Instant {
    /// The monotonic clock, as event loops read it. For drivers only: decisions are given their time.
    package static var current: Instant { Instant(nanoseconds: NIODeadline.now().uptimeNanoseconds) }
}
