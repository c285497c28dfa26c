import MartletBase
import MartletExchange
import MartletLogic
import MartletNet
import NIOCore

// What a connection does when descriptors grow scarce.
extension HTTP1Front {
    /// Idle connections are kept this long at most once the process is short of descriptors.
    static let shortenedKeepAlive = Interval(.seconds(5))
    /// A client that will be refused has this long to send its request; then it is told anyway.
    static let refusedPatience: Duration = .seconds(2)

    /// A client that is served may take this long for its first request while others need the descriptor.
    private static let firstRequestPatience: Duration = .seconds(4)

    /// The console has descriptors of its own.
    var pressure: Pressure { settings.outlivesDrain ? .none : settings.governor.pressure }

    /// Headers of a refusal: what its error says, and for want of room when to come back, and that an SDK is not to try
    /// by itself.
    func advice(for error: MartletError) -> HeaderLines {
        var lines = HeaderLines()
        for (name, value) in error.headers { lines.append(name, value) }
        guard error.code == .overloaded || error.code == .tooManyConnections else { return lines }
        let wait = settings.governor.retryAfter(now: loop.now)
        lines.append("Retry-After", "\(Int(wait.inSeconds.rounded(.up)))")
        lines.append("x-should-retry", "false")
        return lines
    }

    var socket: (any Channel)? { channel?.channel }

    /// A client whose first request is on its way is not idle yet.
    var isIdleSince: Instant? {
        guard state == .idle, refusal == nil else { return nil }
        return requests > 0 ? idleSince : idleSince + Self.firstRequestPatience
    }

    /// A request has come that was not looked at yet.
    var hasUnreadRequest: Bool { channel?.channel.hasUnreadBytes ?? false }

    func giveUp() {
        guard state == .idle, !hasUnreadRequest else { return }
        loop.readClock()
        // Who never got an answer gets one.
        if requests > 0 { linger() } else { refuse(MartletError(.overloaded)) }
    }
}

extension Route {
    /// Asks after this process itself: answered even when there is no place, because what asks would take the process
    /// for dead.
    var isHealth: Bool {
        if case .local = destination { !isLogged } else { false }
    }
}
