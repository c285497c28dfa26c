package import MartletLogic

/// What lives of groups met, so that quiet ones are not taken for a proof.
package struct GroupCounts: Sendable, Equatable {
    package var ends = 0
    package var batches = 0
    /// Batches of more than one item.
    package var fullBatches = 0
    /// Batches sent ahead of time.
    package var ahead = 0
    package var crashes = 0
    package var splits = 0
    package var kills = 0
    package var forgotten = 0
    package var failures: [ItemFailure: Int] = [:]

    package init() {}

    package static func += (total: inout GroupCounts, one: GroupCounts) {
        total.ends += one.ends
        total.batches += one.batches
        total.fullBatches += one.fullBatches
        total.ahead += one.ahead
        total.crashes += one.crashes
        total.splits += one.splits
        total.kills += one.kills
        total.forgotten += one.forgotten
        total.failures.merge(one.failures, uniquingKeysWith: +)
    }
}
