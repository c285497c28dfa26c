/// What a ``FaultProxy`` does to the bytes that pass through it.
package struct Faults: Sendable, Equatable {
    /// How a connection is ended.
    package enum End: Sendable, Equatable {
        /// FIN, in both directions; where the proxy had not read all that came, the kernel makes a RST of it.
        case close
        /// RST, on both connections.
        case reset
    }

    /// One direction.
    package struct Direction: Sendable, Equatable {
        /// Every byte comes this much later, and so does the end.
        package var delay = Duration.zero
        /// Up to so much more, by chance. Bytes stay in order.
        package var jitter = Duration.zero
        /// Bytes of a write at most: each is a segment of its own, but the receiver's kernel may join those that it is
        /// not asked for in time.
        package var slice: Int?
        /// Bytes a second at most.
        package var bandwidth: Int?
        /// After so many bytes of a connection have passed, it is ended.
        package var cutAfter: Int?
        package var cutsWith = End.close

        package init() {}
    }

    package var toTarget = Direction()
    package var toClient = Direction()
    /// Nothing is read and nothing is sent, on no side, and every socket stays open, as when a machine on the way loses
    /// power. The kernel still acknowledges what fits into its buffers. What had been read goes on when it is over.
    package var isHalfOpen = false
    /// New connections are taken and nothing is ever done with them.
    package var swallowsConnections = false

    package init() {}
}
