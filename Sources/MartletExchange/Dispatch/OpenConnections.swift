package import MartletBase
package import NIOCore

/// A client's connection, as far as the end of the process concerns it.
package protocol OpenConnection: AnyObject {
    /// Unique in the process, also among those that are closed.
    var number: UInt64 { get }
    /// Takes no further request: closes when nothing is in flight, else after the answer.
    func drain()
    /// Ends now; a request in flight is answered with `error`, or its answer broken off.
    func cut(_ error: MartletError)
    /// nil once it is closed.
    var socket: (any Channel)? { get }
    /// The request that holds it.
    var exchange: Exchange? { get }
    /// Since when nothing was asked; nil while a request is there.
    var isIdleSince: Instant? { get }
    /// Closes, if it is idle: others need the descriptor.
    func giveUp()
}

/// The clients' connections on one event loop.
package final class OpenConnections {
    private var open: [ObjectIdentifier: any OpenConnection] = [:]
    /// New connections take no second request either.
    package private(set) var isDraining = false

    package var count: Int { open.count }
    package var all: [any OpenConnection] { Array(open.values) }

    package func opened(_ connection: any OpenConnection) {
        open[ObjectIdentifier(connection)] = connection
    }

    package func closed(_ connection: any OpenConnection) {
        open[ObjectIdentifier(connection)] = nil
    }

    package func drain() {
        isDraining = true
        for connection in open.values { connection.drain() }
    }

    /// Closes up to `count` connections that have been idle since `limit` or longer, the oldest first.
    package func giveUpIdle(since limit: Instant, count: Int) {
        var idle: [(since: Instant, connection: any OpenConnection)] = []
        for connection in open.values {
            if let since = connection.isIdleSince, since <= limit { idle.append((since, connection)) }
        }
        if idle.count > count { idle.sort { $0.since < $1.since } }
        for (_, connection) in idle.prefix(count) { connection.giveUp() }
    }

    package func cutOff(_ error: MartletError) {
        for connection in open.values { connection.cut(error) }
    }
}
