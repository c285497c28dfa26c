package import MartletExchange
package import NIOCore

/// The context of each event loop, found from the loop.
package struct LoopTable: Sendable {
    package let group: any EventLoopGroup
    package let contexts: [NIOLoopBound<LoopContext>]
    private let loops: [ObjectIdentifier: Int]

    /// `contexts` belong to the loops of `group`, in its order.
    package init(group: any EventLoopGroup, contexts: [NIOLoopBound<LoopContext>]) {
        self.group = group
        self.contexts = contexts
        loops = Dictionary(
            uniqueKeysWithValues: contexts.enumerated().map { (ObjectIdentifier($1.eventLoop), $0) })
    }

    /// Where looks are taken (`finds(every:_:)`): all on one loop, so that they fall together.
    package var watch: any EventLoop { contexts.first?.eventLoop ?? group.next() }

    /// On `loop` only.
    package func context(of loop: any EventLoop) -> LoopContext? {
        loops[ObjectIdentifier(loop)].map { contexts[$0].value }
    }

    /// Runs `body` on every loop and gathers what it answers.
    package func map<Value: Sendable>(_ body: @escaping @Sendable (LoopContext) -> Value) async throws -> [Value] {
        var values: [Value] = []
        for bound in contexts {
            values.append(try await bound.eventLoop.submit { body(bound.value) }.get())
        }
        return values
    }

    /// Runs `body` on every loop, soon.
    package func broadcast(_ body: @escaping @Sendable (LoopContext) -> Void) {
        for bound in contexts {
            bound.eventLoop.execute { body(bound.value) }
        }
    }
}
