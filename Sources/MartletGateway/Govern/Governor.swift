package import MartletBase
package import MartletLogic
package import MartletNet
import NIOCore
import Synchronization

/// Holds the descriptors of the process: counts the sockets of clients and targets exactly, and says who may have
/// another one before it is opened.
///
/// One value behind one lock, taken when a connection opens or closes, never for a request on a connection that is
/// there. What requests look at (`pressure`, `keepsIdle`) is a relaxed load.
package final class Governor: Sendable {
    /// What became of a client's connection that was accepted.
    package enum Place: Sendable {
        /// Requests are served. `left` gives the place back.
        case served(client: ClientTable.Key?)
        /// Its first request is answered with this error, and the connection closed.
        case refused(ErrorCode)
        /// Closed at once: this client is told often enough.
        case dropped
    }

    struct State {
        var machine: GovernorMachine
        var clients = ClientTable(.init())
        /// Addresses that no bound of a client holds: they stand for many.
        var exempt: [AddressRange] = []
        var legs = LegsInReach()
        /// Listeners that do not accept.
        var shutGates: [NIOLoopBound<AcceptGate>] = []
        var listeners = 0
        var refused = Refusals()
    }

    /// Connections of clients that were not served, since the start.
    package struct Refusals: Sendable, Equatable {
        /// There was no descriptor for them.
        package var full = 0
        /// Their client had too many, or opened them too fast: told so.
        package var tooMany = 0
        /// The same, closed without a word.
        package var dropped = 0
    }

    let state: Mutex<State>
    private let level = Atomic<UInt8>(Pressure.none.rawValue)
    private let keeps = Atomic(true)

    /// - Parameters:
    ///   - limit: The soft limit on open files; without one nothing is ever scarce.
    ///   - standing: Descriptors that are open before the first client comes.
    package init(limit: Int = 1 << 30, standing: Int = 0) {
        state = Mutex(State(machine: GovernorMachine(limit: limit, standing: standing)))
        change { _ in }
    }

    /// Sets the bounds that hold each client.
    ///
    /// - Parameter exempt: Addresses that stand for many clients, such as those of proxies.
    package func bound(clientsTo limits: ClientTable.Limits, exempt: [AddressRange]) {
        state.withLock { state in
            state.clients.limits = limits
            state.exempt = exempt
        }
    }

    /// How near the limit is.
    package var pressure: Pressure { Pressure(rawValue: level.load(ordering: .relaxed)) ?? .none }

    /// Whether an upstream connection may wait for its next request.
    var keepsIdle: Bool { keeps.load(ordering: .relaxed) }

    /// When a client that was refused should come back.
    func retryAfter(now: Instant) -> Duration { state.withLock { $0.machine.retryAfter(now: now) } }

    /// Changes the state, and tells what follows to those who look without the lock.
    func change<Value>(_ body: (inout State) -> sending Value) -> sending Value {
        state.withLock { state in
            let value = body(&state)
            level.store(state.machine.pressure.rawValue, ordering: .relaxed)
            keeps.store(state.machine.keepsIdle, ordering: .relaxed)
            return value
        }
    }

    // MARK: Clients

    /// An accepted connection has a descriptor until its channel is closed. On the channel's loop.
    func hold(_ channel: any Channel, isConsole: Bool) {
        channel.closeFuture.whenComplete { _ in self.closed(isConsole: isConsole) }
    }

    private func closed(isConsole: Bool) {
        let woken = change { state in
            if isConsole { state.machine.consoleClosed() } else { state.machine.clientClosed() }
            guard !state.shutGates.isEmpty else { return [NIOLoopBound<AcceptGate>]() }
            defer { state.shutGates = [] }
            return state.shutGates
        }
        for gate in woken { gate.eventLoop.execute { gate.value.woken() } }
    }

    /// Whether the connection of a client that opened is served.
    func admit(_ address: SocketAddress?, now: Instant) -> Place {
        change { state in
            let client = address.flatMap { address in
                state.exempt.contains { $0.contains(address) } ? nil : address.clientBits
            }
            if let client, !state.clients.opened(client, now: now) {
                let refusing = state.machine.accepted - state.machine.served
                guard refusing <= max(1, state.machine.budget.refusals / 2) else {
                    state.refused.dropped += 1
                    return .dropped
                }
                state.refused.tooMany += 1
                return .refused(.tooManyConnections)
            }
            guard state.machine.admit(now: now) else {
                if let client { state.clients.closed(client) }
                state.refused.full += 1
                return .refused(.overloaded)
            }
            return .served(client: client)
        }
    }

    /// The client is gone.
    func left(_ place: Place, now: Instant) {
        guard case .served(let client) = place else { return }
        change { state in
            state.machine.left(now: now)
            if let client { state.clients.closed(client) }
        }
    }
}
