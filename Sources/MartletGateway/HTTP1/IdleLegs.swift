import MartletBase
import MartletExchange

/// Idle connections of one event loop, by target: the one used last is taken first, so that the others can expire.
///
/// Each stack is an object of its own: changing an array inside a dictionary costs two look-ups and a move.
final class IdleLegs {
    private final class Stack {
        var legs: [HTTP1Leg] = []
    }

    private var stacks: [TargetID: Stack] = [:]

    func take(_ target: TargetID) -> HTTP1Leg? {
        stacks[target]?.legs.popLast()
    }

    /// False: there is no room, the caller closes it.
    func put(_ leg: HTTP1Leg) -> Bool {
        let stack = stack(of: leg.target.id)
        guard stack.legs.count < leg.target.keepAlive.connections else { return false }
        stack.legs.append(leg)
        return true
    }

    /// The connection died or expired while idle.
    func remove(_ leg: HTTP1Leg) {
        guard let stack = stacks[leg.target.id], let index = stack.legs.lastIndex(where: { $0 === leg }) else { return }
        stack.legs.remove(at: index)
        // Its target may be gone for good: a leg that was dialled while the target left is kept after `forget`.
        if stack.legs.isEmpty { stacks[leg.target.id] = nil }
    }

    /// Up to `count` of them, from each target those first that were used last longest ago.
    func oldest(_ count: Int) -> [HTTP1Leg] {
        var oldest: [HTTP1Leg] = []
        for stack in stacks.values where oldest.count < count {
            oldest += stack.legs.prefix(count - oldest.count)
        }
        return oldest
    }

    /// Those of one target, first those that were used last longest ago.
    func all(_ target: TargetID) -> [HTTP1Leg] {
        stacks[target]?.legs ?? []
    }

    /// The target left its pool, and its connections with it.
    func forget(_ target: TargetID) {
        stacks[target] = nil
    }

    private func stack(of target: TargetID) -> Stack {
        if let stack = stacks[target] { return stack }
        let stack = Stack()
        stacks[target] = stack
        return stack
    }
}
