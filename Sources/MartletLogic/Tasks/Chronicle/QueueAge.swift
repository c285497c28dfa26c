/// How long the oldest message of a list has waited. Celery's messages do not say when they were sent, so the newest
/// one is noted at each look, with the time: a list is served in order, so whatever is older than a message that is
/// still there has waited longer than it.
///
/// At each look: ``marker`` tells which message to ask for; then ``look(newest:length:isMarkerThere:now:)``.
public struct QueueAge: Sendable {
    private struct Marker: Sendable {
        var message: [UInt8]
        var time: Double
    }

    /// Longer messages are not noted.
    static let messageBytes = 256 << 10
    /// When there are more, every other one goes: ages get coarser, memory stays.
    static let maximumMarkers = 256
    static let maximumBytes = 4 << 20

    private var markers: [Marker] = []
    private var bytes = 0
    private var wasEmptyAt: Double
    /// How coarsely messages are noted, in seconds.
    private var spacing = 0.0
    /// Of the oldest message, in seconds, as far as is known: it may be older, by no more than the time between looks.
    public private(set) var seconds = 0.0

    public init(now: Double) {
        wasEmptyAt = now
    }

    /// The message to look for: the oldest that was noted and may still be there; nil: there is none.
    public var marker: [UInt8]? { markers.first?.message }

    /// - Parameters:
    ///   - newest: what was pushed last; nil: the list is empty.
    ///   - isMarkerThere: whether the list still holds ``marker``.
    /// - Returns: whether another marker is to be looked for now, with the same `newest`.
    public mutating func look(newest: [UInt8]?, isMarkerThere: Bool, now: Double) -> Bool {
        guard let newest else {
            (markers, bytes) = ([], 0)
            (wasEmptyAt, spacing, seconds) = (now, 0, 0)
            return false
        }
        if !isMarkerThere, !markers.isEmpty {
            let gone = markers.removeFirst()
            bytes -= gone.message.count
            // What waits now was sent after that.
            wasEmptyAt = gone.time
            if !markers.isEmpty { return true }
        }
        note(newest, now: now)
        // Between the last one that is gone and the first one that is there.
        seconds = max(0, now - (markers.first?.time ?? wasEmptyAt))
        return false
    }

    private mutating func note(_ newest: [UInt8], now: Double) {
        guard newest.count <= Self.messageBytes else {
            // Nothing is known of it until it is gone.
            if markers.isEmpty { wasEmptyAt = now }
            return
        }
        guard markers.last?.message != newest, now - (markers.last?.time ?? -.infinity) >= spacing else { return }
        markers.append(Marker(message: newest, time: now))
        bytes += newest.count
        guard markers.count > Self.maximumMarkers || bytes > Self.maximumBytes else { return }
        markers = markers.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
        bytes = markers.reduce(0) { $0 + $1.message.count }
        spacing = max(1, spacing * 2)
    }
}
