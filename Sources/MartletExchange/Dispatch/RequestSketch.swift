import MartletBase
import MartletLogic

/// A request in few words, for those who look at what holds a socket.
package struct RequestSketch: Sendable, Equatable {
    package let id: String
    package let route: String
    package let age: Duration
    /// `ExchangeMachine.Phase` as a word.
    package let phase: String
}

extension Exchange {
    package var sketch: RequestSketch {
        RequestSketch(id: caller.requestID, route: route.name, age: context.now - started, phase: machine.phase.text)
    }
}
