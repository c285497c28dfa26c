/// A gateway that a storm can be sent through.
package enum StormSide: String, CaseIterable, Sendable {
    case nginx
    case martlet

    var title: String { self == .nginx ? "nginx" : "Martlet" }
}

/// How large a storm is. Everything in it scales with its length, so that a short one shows the same.
package struct StormOptions: Sendable {
    package var sides = StormSide.allCases
    /// Clients at one time, each with one stream after the other.
    package var streams = 1000
    /// How long each side is stormed.
    package var seconds = 20.0
    /// The part of the streams whose client leaves.
    package var leave = 0.3
    package var seed: UInt64 = 1

    package init() {}

    static let tokens = 20

    /// Between two tokens: a stream takes a tenth of the storm.
    var interval: Duration { .seconds(seconds * 0.1 / Double(Self.tokens)) }
    /// To the first token, at a backend that is well.
    var latency: Duration { .seconds(seconds * 0.01) }
    /// When one of the two backends falls silent, and when it speaks again.
    var hole: (from: Double, to: Double) { (seconds * 0.2, seconds * 0.5) }
    /// After so long without a token a client gives up: longer than the black hole, so that who was in mid-stream when
    /// it came can bear it.
    var patience: Duration { .seconds(seconds * 0.4) }
    /// What Martlet waits for a first byte before it asks the other backend.
    var firstByte: Duration { .seconds(seconds * 0.1) }
    /// From the end of the load to the last look at open files.
    var quiet: Duration { .seconds(min(5, max(1, seconds * 0.25))) }
}
