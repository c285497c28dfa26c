package import MartletBase
package import MartletLogic

/// What a run met, so that a quiet one is not taken for a proof.
package struct SimulationCounts: Sendable, Equatable {
    package var requests = 0
    package var events = 0
    package var outcomes: [Outcome: Int] = [:]
    package var grants = 0
    package var evictions = 0
    package var expiries = 0
    package var hopeless = 0
    package var retries = 0
    package var refusals: [Refusal: Int] = [:]
    package var ejections = 0
    package var panics = 0

    package init() {}

    package static func += (total: inout SimulationCounts, one: SimulationCounts) {
        total.requests += one.requests
        total.events += one.events
        total.outcomes.merge(one.outcomes, uniquingKeysWith: +)
        total.grants += one.grants
        total.evictions += one.evictions
        total.expiries += one.expiries
        total.hopeless += one.hopeless
        total.retries += one.retries
        total.refusals.merge(one.refusals, uniquingKeysWith: +)
        total.ejections += one.ejections
        total.panics += one.panics
    }
}
