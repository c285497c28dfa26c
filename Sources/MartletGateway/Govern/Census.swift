package import MartletLogic
import Synchronization

/// What the descriptors of the process are used for, as the governor counts them.
package struct Census: Sendable {
    package let budget: FileBudget
    package let pressure: Pressure
    /// Of the budget without the reserve.
    package let used: Int
    /// Connections of clients, refused ones included.
    package let clients: Int
    /// Connections to targets, idle ones included.
    package let upstreams: Int
    package let console: Int
    package let listeners: Int
    package let refused: Governor.Refusals
    /// Clients that hold most connections, as addresses, of those that are bounded.
    package let largestClients: [(client: ClientTable.Key, open: Int)]
}

extension Governor {
    package func census() -> Census {
        state.withLock { state in
            let machine = state.machine
            return Census(
                budget: machine.budget, pressure: machine.pressure, used: machine.used, clients: machine.accepted,
                upstreams: machine.upstreams, console: machine.console, listeners: state.listeners,
                refused: state.refused, largestClients: state.clients.largest(10).map { ($0.key, $0.open) })
        }
    }
}
