@testable import Martlet
import MartletLogic
import Testing

@Suite struct WorkersConfigurationTests {
    private func workers(_ text: String) throws -> [WorkersConfiguration] {
        try decoded(onePool + "workers:\n\(text)\n").workers
    }

    @Test func aFileAloneIsEnoughAndSaysTheRestItself() throws {
        let workers = try workers("  - model.py")
        #expect(workers == [WorkersConfiguration(app: "model.py", name: "model.py")])
        #expect(workers[0].maxBatch == nil && workers[0].devices == nil)
        #expect(workers[0].batchWeight == nil && workers[0].weightBy == nil)
    }

    @Test func aProgramIsAWorkerByItself() throws {
        let workers = try workers("  - command: [bin/histogram, --bins, 16]")
        #expect(workers[0].command == ["bin/histogram", "--bins", "16"])
        #expect(workers[0].app == "histogram" && workers[0].name == "histogram")
    }

    @Test func whatIsStatedHoldsInPlaceOfWhatTheFileSays() throws {
        let workers = try workers(
            """
              - app: model.py
                name: classify
                devices: [cpu, "cuda:0"]
                environment: {OMP_NUM_THREADS: 1}
                limits: {address_space: 4GiB, cpu: 90s}
                batch_window: 0s
                batch_weight: 4096
                weight_by: tokens
                kill_after: 5s
                objective: 250ms
                queue: {length: 10}
                ready: {within: 90s}
            """)
        let one = try #require(workers.first)
        #expect(one.name == "classify")
        #expect(one.devices == ["cpu", "cuda:0"])
        #expect(one.environment == ["OMP_NUM_THREADS": "1"])
        #expect(one.limits.addressSpace == 4 << 30 && one.limits.cpuSeconds == 90 && one.limits.openFiles == nil)
        #expect(one.batchWindow == .zero && one.killAfter == .seconds(5) && one.objective == .milliseconds(250))
        #expect(one.batchWeight == 4096 && one.weightBy == "tokens")
        #expect(one.queue.length == 10)
        #expect(one.recycle == RecyclePolicy() && one.scale == nil && one.user == nil)
        #expect(one.policy.readyWithin == .seconds(90))
    }

    @Test func aHungOneIsReplacedUnlessThatIsOff() throws {
        #expect(try workers("  - a.py")[0].killAfter == .seconds(300))
        #expect(try workers("  - {app: a.py, kill_after: off}")[0].killAfter == nil)
    }

    @Test func theLifeOfWorkersCanBeStated() throws {
        let one = try #require(
            try workers(
                """
                  - app: model.py
                    user: nobody
                    recycle: {requests: 10000, memory: 2GiB, descriptors: false}
                    scale: {min: 2, max: 8, wait: 500ms, sustained: 5s, idle: 10m, cooldown: 30s}
                """
            ).first)
        #expect(one.user == "nobody")
        #expect(one.recycle.requests == 10_000 && one.recycle.memory == 2 << 30 && !one.recycle.descriptors)
        let scale = try #require(one.scale)
        #expect(scale.min == 2 && scale.max == 8 && scale.wait == .milliseconds(500) && scale.idle == .seconds(600))
        #expect(scale.sustained == .seconds(5) && scale.cooldown == .seconds(30))
    }
}
