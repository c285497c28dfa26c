package import NIOCore

/// What each answer about one name changes among its targets. An address counts from the answer that first names
/// it until two answers in a row lack it: a resolver that deals out part of its list each time must not make
/// targets come and go. A lookup that fails changes nothing.
///
/// | answer | address known | address unknown |
/// |---|---|---|
/// | names it | stays, its count starts afresh | added |
/// | lacks it, first time in a row | stays | – |
/// | lacks it, second time in a row | removed | – |
/// | failed, or names no address at all | stays as it was | – |
package struct ResolutionDiff: Equatable, Sendable {
    /// How many answers in a row must lack an address before it goes.
    package static let patience = 2

    /// The addresses that count now, oldest first.
    package private(set) var addresses: [SocketAddress] = []
    private var missed: [SocketAddress: Int] = [:]

    /// What changed.
    package struct Change: Equatable, Sendable {
        package var added: [SocketAddress]
        package var removed: [SocketAddress]
        package var isEmpty: Bool { added.isEmpty && removed.isEmpty }

        package init(added: [SocketAddress] = [], removed: [SocketAddress] = []) {
            self.added = added
            self.removed = removed
        }
    }

    package init() {}

    /// Takes in the next result of the lookup.
    package mutating func next(_ result: Result<[SocketAddress], some Error>) -> Change {
        guard case .success(let answer) = result, !answer.isEmpty else { return Change() }
        let named = Set(answer)
        var change = Change()
        for address in addresses {
            if named.contains(address) {
                missed[address] = nil
            } else if missed[address, default: 0] + 1 >= Self.patience {
                change.removed.append(address)
            } else {
                missed[address, default: 0] += 1
            }
        }
        for address in change.removed { missed[address] = nil }
        addresses.removeAll { change.removed.contains($0) }
        for address in answer where !addresses.contains(address) {
            addresses.append(address)
            change.added.append(address)
        }
        return change
    }
}
