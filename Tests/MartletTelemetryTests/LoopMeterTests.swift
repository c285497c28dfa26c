import MartletBase
@testable import MartletTelemetry
import Testing

@Suite struct LoopMeterTests {
    private func record(_ change: (inout RequestRecord) -> Void = { _ in }) -> RequestRecord {
        var record = RequestRecord()
        record.route = 1
        record.pool = 2
        record.target = TargetID(7)
        record.status = 200
        record.durationNanoseconds = 1_000_000
        change(&record)
        return record
    }

    @Test func keysGiveBackTheirLabels() {
        for outcome in Outcome.allCases {
            let key = RequestKey(route: 17, pool: 4094, target: TargetID(33_000_000), status: 599, outcome: outcome)
            #expect(key.route == 17)
            #expect(key.pool == 4094)
            #expect(key.target == TargetID(33_000_000))
            #expect(key.status == 599)
            #expect(key.outcome == outcome)
        }
    }

    @Test func labelsBeyondTheKeysWidthBecomeNone() {
        let key = RequestKey(route: .max, pool: .max, target: TargetID(.max), status: .max, outcome: .poisoned)
        #expect(key.route == LabelRegistry.none)
        #expect(key.pool == LabelRegistry.none)
        #expect(key.target == nil)
        #expect(key.status == 1023)
        #expect(key.outcome == .poisoned)
    }

    @Test func requestsAreCountedByTheirLabels() {
        let meter = LoopMeter()
        meter.record(record())
        meter.record(record())
        meter.record(record { $0.status = 500 })
        let totals = MeterTotals([meter.snapshot()])
        let ok = RequestKey(route: 1, pool: 2, target: TargetID(7), status: 200, outcome: .completed)
        #expect(totals.requests.count == 2)
        #expect(totals.requests[ok]?.count == 2)
        #expect(totals.requests[ok]?.sum == 2_000_000)
    }

    @Test func oneRecordFillsEverySeriesItKnowsAbout() {
        let meter = LoopMeter()
        meter.record(
            record {
                $0.outcome = .clientGone
                $0.cancelPhase = .streaming
                $0.errorCode = .idleTimeout
                $0.operation = .chat
                $0.model = 3
                $0.priority = .background
                $0.firstByteNanoseconds = 40
                $0.queueWaitNanoseconds = 50
                $0.bytesIn = 10
                $0.bytesOut = 20
                $0.inputTokens = 5
                $0.outputTokens = 6
            })
        let totals = MeterTotals([meter.snapshot()])
        let target = totals.targets[TargetID(7)]
        #expect(target?.firstByte.sum == 40)
        #expect(target?.inputTokens == 5)
        #expect(target?.outputTokens == 6)
        #expect(totals.pools[2]?.queueWait[2].sum == 50)
        #expect(totals.pools[2]?.bytesIn == 10)
        #expect(totals.pools[2]?.bytesOut == 20)
        let model = totals.models[.init(model: 3, operation: .chat)]
        #expect(model?.firstChunk.sum == 40)
        #expect(model?.inputTokens.sum == 5)
        #expect(model?.outputTokens.sum == 6)
        #expect(totals.models.count == 1)
        #expect(totals.global.cancelled[.streaming] == 1)
        #expect(totals.global.errors[.idleTimeout] == 1)
    }

    @Test func attemptsAreCountedAtTheirTarget() {
        let meter = LoopMeter()
        let slot = meter.attempt(at: TargetID(9))
        #expect(meter.attempt(at: TargetID(9)) == slot)
        meter.connected(slot, nanoseconds: 11)
        meter.interEvent(slot, nanoseconds: 12)
        meter.failed(slot, .stall)
        meter.retried(pool: 1, because: .stall)
        meter.retried(pool: LabelRegistry.none, because: .stall)
        let totals = MeterTotals([meter.snapshot()])
        let row = totals.targets[TargetID(9)]
        #expect(row?.attempts == 2)
        #expect(row?.connect.sum == 11)
        #expect(row?.interEvent.sum == 12)
        #expect(row?.failures[.stall] == 1)
        #expect(totals.pools[1]?.retries[.stall] == 1)
    }

    @Test func loopsAreSummed() {
        let loops = [LoopMeter(), LoopMeter()]
        for loop in loops {
            loop.record(record())
            loop.connected(loop.attempt(at: TargetID(7)), nanoseconds: 5)
            loop.impossibleEvent()
        }
        // A connection opened on one loop and given back on another.
        loops[0].connections(.upstreamIdle, changedBy: 1)
        loops[1].connections(.upstreamIdle, changedBy: -1)
        loops[0].bufferedBytes(changedBy: 300)
        loops[1].bufferedBytes(changedBy: -100)
        let totals = MeterTotals(loops.map { $0.snapshot() })
        #expect(totals.requests.values.map(\.count) == [2])
        #expect(totals.targets[TargetID(7)]?.connect.count == 2)
        #expect(totals.global.impossibleEvents == 2)
        #expect(totals.connections(.upstreamIdle) == 0)
        #expect(totals.global.bufferedBytes == 200)
    }

    @Test func aSnapshotDoesNotChangeAfterwards() {
        let meter = LoopMeter()
        meter.record(record())
        let before = meter.snapshot()
        meter.record(record())
        #expect(MeterTotals([before]).requests.values.map(\.count) == [1])
        #expect(MeterTotals([meter.snapshot()]).requests.values.map(\.count) == [2])
    }

    @Test func aForgottenTargetLeavesAndItsRowServesAnother() {
        let meter = LoopMeter()
        let stale = meter.attempt(at: TargetID(7))
        meter.record(record())
        meter.record(record { $0.target = TargetID(8) })
        meter.forget(TargetID(7))
        let fresh = meter.attempt(at: TargetID(9))
        meter.interEvent(stale, nanoseconds: 1)
        meter.interEvent(fresh, nanoseconds: 2)
        meter.record(record { $0.target = TargetID(8) })
        let totals = MeterTotals([meter.snapshot()])
        #expect(totals.targets[TargetID(7)] == nil)
        #expect(totals.targets[TargetID(9)]?.interEvent.sum == 2)
        #expect(totals.requests.map(\.key.target) == [TargetID(8)])
        #expect(totals.requests.values.map(\.count) == [2])
    }

    @Test func labelCombinationsAreBounded() {
        let meter = LoopMeter()
        let many = RequestTable.maximumCells + 1000
        for number in 0..<many {
            meter.record(record { $0.target = TargetID(UInt32(number)) })
        }
        let totals = MeterTotals([meter.snapshot()])
        #expect(totals.requests.count == RequestTable.maximumCells + 1)
        #expect(totals.requests[.overflow(.completed)]?.count == 1000)
        #expect(totals.requests.values.reduce(0) { $0 + $1.count } == UInt64(many))
    }

    @Test func namesKeepTheirIndexAndAreBounded() {
        let labels = LabelRegistry()
        #expect(labels.index(of: "chat", in: .pool) == 0)
        #expect(labels.index(of: "embed", in: .pool) == 1)
        #expect(labels.index(of: "chat", in: .pool) == 0)
        #expect(labels.index(of: "embed", in: .route) == 0)
        #expect(labels.name(1, in: .pool) == "embed")
        #expect(labels.name(LabelRegistry.none, in: .pool) == "")
        for number in 0..<5000 { _ = labels.index(of: "m\(number)", in: .model) }
        #expect(labels.index(of: "one more", in: .model) == LabelRegistry.other)
        #expect(labels.name(LabelRegistry.other, in: .model) == "other")
    }
}
