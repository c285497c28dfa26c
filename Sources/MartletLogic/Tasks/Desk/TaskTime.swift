public import MartletBase

/// The same moment on both clocks: what happens here goes by the monotonic one, what messages say by the wall's.
public struct TaskTime: Sendable, Equatable {
    public var instant: Instant
    /// Milliseconds since 1970.
    public var wall: Int64

    public init(_ instant: Instant, wall: Int64) {
        self.instant = instant
        self.wall = wall
    }

    /// When the wall's clock will show `wall`, as far as anybody knows now.
    func instant(ofWall wall: Int64) -> Instant {
        let (ahead, overflow) = wall.subtractingReportingOverflow(self.wall)
        guard !overflow else { return wall > self.wall ? .never : instant }
        return ahead > 0 ? instant + .milliseconds(ahead) : instant
    }
}
