package import MartletBase
import Synchronization

/// What the small numbers in records stand for. Read when numbers leave the process (scrape, access log), never for
/// each request.
///
/// An index keeps its name for the life of the process, whatever a reload does to the configuration: numbers counted
/// under it stay true.
package final class LabelRegistry: Sendable {
    /// The index of "there is none": a request that met no route or pool.
    package static let none: UInt16 = 4095
    /// The index of every name beyond the bound.
    package static let other: UInt16 = 4094

    package struct Target: Hashable, Sendable {
        package var pool: String
        package var url: String
        package var version: String?

        package init(pool: String, url: String, version: String? = nil) {
            self.pool = pool
            self.url = url
            self.version = version
        }
    }

    /// Which list of names an index belongs to.
    package enum Namespace: Int, CaseIterable, Sendable {
        case route, pool, model
    }

    private struct State {
        var names: [[String]] = Namespace.allCases.map { _ in [] }
        var indices: [[String: UInt16]] = Namespace.allCases.map { _ in [:] }
        var targets: [TargetID: Target] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// The index of `name`, new or known. Called when a snapshot of the configuration is built.
    package func index(of name: String, in space: Namespace) -> UInt16 {
        state.withLock { state in
            if let known = state.indices[space.rawValue][name] { return known }
            let index = state.names[space.rawValue].count
            guard index < Int(Self.other) else { return Self.other }
            state.names[space.rawValue].append(name)
            state.indices[space.rawValue][name] = UInt16(index)
            return UInt16(index)
        }
    }

    /// The name behind an index; empty for `none`.
    package func name(_ index: UInt16, in space: Namespace) -> String {
        guard index != Self.none else { return "" }
        return state.withLock { state in
            let names = state.names[space.rawValue]
            return Int(index) < names.count ? names[Int(index)] : "other"
        }
    }

    /// Says what a target is; again when its version changes.
    package func register(_ id: TargetID, _ target: Target) {
        state.withLock { $0.targets[id] = target }
    }

    /// A target that is gone for good. Each loop's meter forgets it too.
    package func forget(_ id: TargetID) {
        state.withLock { _ = $0.targets.removeValue(forKey: id) }
    }

    package func target(_ id: TargetID) -> Target? {
        state.withLock { $0.targets[id] }
    }
}
