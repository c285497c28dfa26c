/// Decides which processes of managed backends there are while one configuration takes the place of another.
///
/// A *slot* is one instance of one backend. What runs in it stays while its spec stays. When the spec changes:
///
/// ```
///   former   serves ──────────────────────────────▶ let go: ends its requests, then stops
///                                                 ▲
///   heir     waits ──▶ starts ──▶ passes its check ┘
/// ```
///
/// The former serves until its heir does, for ever if the heir never gets ready. Exceptions, each of which lets the
/// former go at once: nobody takes the slot, or somebody needs the very port that the former holds. A former that never
/// served is stopped. A slot holds two processes at most: a third generation waits until the first is gone.
///
/// The driver carries out the actions, and tells when a process serves and when one has ended for good.
public struct BackendRoster<Spec: Equatable & Sendable>: Sendable {
    /// One instance of one backend, whatever runs in it.
    public struct Slot: Hashable, Sendable {
        public let backend: String
        /// Counted from 0.
        public let index: Int

        public init(backend: String, index: Int) {
            self.backend = backend
            self.index = index
        }
    }

    /// What a configuration asks for in one slot.
    public struct Wanted: Sendable {
        public let slot: Slot
        public let spec: Spec
        /// The port that it must have; nil: any.
        public let port: Int?

        public init(slot: Slot, spec: Spec, port: Int?) {
            self.slot = slot
            self.spec = spec
            self.port = port
        }
    }

    public enum Phase: Sendable, Equatable {
        /// Not started: for a port, or for one of the two in its slot to be gone.
        case waiting
        case running(hasServed: Bool)
        /// Let go or stopped; it ends.
        case leaving
    }

    /// What runs, or waits to, in a slot under one spec.
    public struct Member: Sendable {
        /// Never used again.
        public let id: Int
        public let wanted: Wanted
        public fileprivate(set) var phase = Phase.waiting
        /// Whether the configuration asks for it; the others leave sooner or later.
        public fileprivate(set) var isWanted = true

        fileprivate var hasServed: Bool { phase == .running(hasServed: true) }
        fileprivate var isAlive: Bool { phase != .waiting }
    }

    public enum Action: Sendable, Equatable {
        /// Start it and keep it running.
        case start(Int)
        /// Give it no more requests, stop it when it holds none.
        case letGo(Int)
        /// Stop it now.
        case stop(Int)
    }

    /// Those that the configuration asks for in its order, then the others.
    public private(set) var members: [Member] = []
    private var lastID = 0
    private var isStopped = false

    public init() {}

    /// Another configuration holds.
    public mutating func adopt(_ wanted: [Wanted]) -> [Action] {
        guard !isStopped else { return [] }
        var rest = members
        let present = wanted.map { wanted in
            let stays = rest.firstIndex {
                $0.wanted.slot == wanted.slot && $0.wanted.spec == wanted.spec && $0.phase != .leaving
            }
            guard let stays else {
                lastID += 1
                return Member(id: lastID, wanted: wanted)
            }
            var member = rest.remove(at: stays)
            member.isWanted = true
            return member
        }
        for index in rest.indices { rest[index].isWanted = false }
        members = present + rest.filter(\.isAlive)
        return settle()
    }

    /// It passed its check.
    public mutating func ready(_ id: Int) -> [Action] {
        guard let index = index(of: id), case .running = members[index].phase else { return [] }
        members[index].phase = .running(hasServed: true)
        return settle()
    }

    /// Another process of the same spec is to take the place of one that serves. nil, and nothing done: it does not
    /// serve or is to go anyway, or one of its backend is being replaced. One after the other: each needs room beside
    /// those that are there.
    public mutating func renew(_ id: Int) -> [Action]? {
        guard !isStopped, let index = index(of: id), members[index].isWanted, members[index].hasServed else {
            return nil
        }
        var former = members[index]
        let isAlone = !members.contains { other in
            other.wanted.slot.backend == former.wanted.slot.backend && !other.isWanted && other.phase != .leaving
        }
        guard isAlone, former.wanted.port == nil else { return nil }
        lastID += 1
        members[index] = Member(id: lastID, wanted: former.wanted)
        former.isWanted = false
        members.append(former)
        return settle()
    }

    /// It is gone and does not come back. Once all are stopped, they stay on the list: people look at it last of all.
    public mutating func ended(_ id: Int) -> [Action] {
        guard !isStopped, let index = index(of: id) else { return [] }
        members.remove(at: index)
        return settle()
    }

    /// All of them end; nothing starts any more.
    public mutating func stop() -> [Action] {
        isStopped = true
        members.removeAll { !$0.isAlive }
        return members.indices.map { leave($0, .stop(members[$0].id)) }
    }

    /// Whether another one serves in its slot until it does.
    public func isHeirOfAnother(_ id: Int) -> Bool {
        guard let index = index(of: id), members[index].isWanted else { return false }
        let slot = members[index].wanted.slot
        return members.contains { $0.id != id && $0.wanted.slot == slot && $0.hasServed }
    }

    // MARK: Inside

    private func index(of id: Int) -> Int? { members.firstIndex { $0.id == id } }

    /// Whoever may start now starts, whoever must go goes.
    private mutating func settle() -> [Action] {
        guard !isStopped else { return [] }
        var actions: [Action] = []
        for index in members.indices where !members[index].isWanted {
            guard case .running(let hasServed) = members[index].phase else { continue }
            if !hasServed {
                actions.append(leave(index, .stop(members[index].id)))
            } else if isReplaced(members[index]) || isInTheWay(members[index]) {
                actions.append(leave(index, .letGo(members[index].id)))
            }
        }
        for index in members.indices where members[index].phase == .waiting && mayStart(members[index]) {
            members[index].phase = .running(hasServed: false)
            actions.append(.start(members[index].id))
        }
        return actions
    }

    private mutating func leave(_ index: Int, _ action: Action) -> Action {
        members[index].phase = .leaving
        return action
    }

    private func isReplaced(_ former: Member) -> Bool {
        guard let heir = members.first(where: { $0.isWanted && $0.wanted.slot == former.wanted.slot }) else {
            return true
        }
        return heir.hasServed
    }

    private func isInTheWay(_ former: Member) -> Bool {
        members.contains { $0.phase == .waiting && needsPort($0, of: former) }
    }

    private func mayStart(_ member: Member) -> Bool {
        let others = members.filter(\.isAlive)
        return others.count { $0.wanted.slot == member.wanted.slot } < 2
            && !others.contains { !$0.isWanted && needsPort(member, of: $0) }
    }

    private func needsPort(_ member: Member, of other: Member) -> Bool {
        member.wanted.port != nil && member.wanted.port == other.wanted.port
    }
}
