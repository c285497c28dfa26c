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
        #expect(one.queue.length == 10)
        #expect(one.policy.readyWithin == .seconds(90))
    }
}
