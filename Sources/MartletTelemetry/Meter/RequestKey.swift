package import MartletBase

/// The labels of `martlet_requests_total` in one word, never zero. What does not fit is counted under `none`.
package struct RequestKey: Hashable, Sendable {
    // From the top: 1, route 12 bits, pool 12, target 25, status 10, outcome 4.
    package let packed: UInt64

    private static let targetMask: UInt64 = 1 << 25 - 1

    package init(route: UInt16, pool: UInt16, target: TargetID?, status: UInt16, outcome: Outcome) {
        let targetBits = min(target.map { UInt64($0.rawValue) } ?? Self.targetMask, Self.targetMask)
        var bits: UInt64 = 1
        bits = bits << 12 | UInt64(min(route, LabelRegistry.none))
        bits = bits << 12 | UInt64(min(pool, LabelRegistry.none))
        bits = bits << 25 | targetBits
        bits = bits << 10 | UInt64(min(status, 1023))
        bits = bits << 4 | UInt64(outcome.rawValue & 15)
        packed = bits
    }

    /// Where the counts of further label combinations go once a table is full.
    package static func overflow(_ outcome: Outcome) -> RequestKey {
        RequestKey(route: LabelRegistry.other, pool: LabelRegistry.none, target: nil, status: 0, outcome: outcome)
    }

    package var route: UInt16 { UInt16(packed >> 51 & 4095) }
    package var pool: UInt16 { UInt16(packed >> 39 & 4095) }
    package var target: TargetID? {
        let bits = packed >> 14 & Self.targetMask
        return bits == Self.targetMask ? nil : TargetID(UInt32(bits))
    }
    package var status: UInt16 { UInt16(packed >> 4 & 1023) }
    package var outcome: Outcome { Outcome(rawValue: UInt8(packed & 15)) ?? .poisoned }
}
