import NIOCore
import Synchronization

/// The connection of one call, which can be given up from any thread, at any moment, also while it is being made.
///
/// `idle` → `open` (connecting, then connected; again for each address) → `givenUp`, which is final and can be
/// reached from every state.
final class CallConnection: Sendable {
    private enum State {
        case idle
        case open(any Channel, isConnected: Bool)
        case givenUp(any Error)
    }

    private let state = Mutex(State.idle)

    /// Why the call was given up, if it was.
    var reason: (any Error)? {
        state.withLock { if case .givenUp(let reason) = $0 { reason } else { nil } }
    }

    var isConnected: Bool {
        state.withLock { if case .open(_, isConnected: true) = $0 { true } else { false } }
    }

    /// Takes charge of a channel before it connects. Throws the reason when the call has already been given up.
    func adopt(_ channel: any Channel) throws {
        try state.withLock { state in
            if case .givenUp(let reason) = state { throw reason }
            state = .open(channel, isConnected: false)
        }
    }

    func markConnected() {
        state.withLock { state in
            if case .open(let channel, _) = state { state = .open(channel, isConnected: true) }
        }
    }

    /// Resets the connection. The first reason given is the one that counts.
    func giveUp(_ reason: any Error) {
        let channel: (any Channel)? = state.withLock { state in
            switch state {
            case .givenUp:
                return nil
            case .idle:
                state = .givenUp(reason)
                return nil
            case .open(let channel, _):
                state = .givenUp(reason)
                return channel
            }
        }
        guard let channel else { return }
        channel.eventLoop.execute { channel.reset() }
    }
}
