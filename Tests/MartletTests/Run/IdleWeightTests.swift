import MartletWorkers
import Testing

@testable import Martlet

@Suite("Keys about weight that would have no effect are refused") struct IdleWeightTests {
    /// nil: nothing stands against it.
    private func refusal(
        _ apis: [WorkerAPI], of configured: (inout WorkersConfiguration) -> Void
    ) -> String? {
        var workers = WorkersConfiguration(app: "model.py", name: "m")
        configured(&workers)
        do {
            try IdleWeight.check(workers, apis)
            return nil
        } catch {
            return "\(error)"
        }
    }

    private func api(batches: Int = 8, weight: Int? = nil, by member: String? = nil) -> WorkerAPI {
        var api = WorkerAPI(path: "/predict")
        (api.maxBatch, api.batchWeight, api.weightBy) = (batches, weight, member)
        return api
    }

    @Test("A bound and a member are there together, whoever says each of them")
    func pairs() {
        #expect(refusal([api()]) { ($0.batchWeight, $0.weightBy) = (9, "n") } == nil)
        #expect(refusal([api(), api(by: "n")]) { $0.batchWeight = 9 } == nil)
        #expect(refusal([api(), api(weight: 9)]) { $0.weightBy = "n" } == nil)
        #expect(refusal([api(by: "n")]) { _ in } == nil, "what the file says alone is the file's")
        let bound = refusal([api()]) { $0.batchWeight = 9 }
        #expect(
            bound == "workers m: `batch_weight` has no effect without `weight_by`, which neither the configuration nor"
                + " model.py says")
        let member = refusal([api()]) { $0.weightBy = "n" }
        #expect(member?.contains("`weight_by` has no effect without `batch_weight`") == true)
    }

    @Test("A bound on the weight of batches wants batches")
    func batches() {
        let alone = refusal([api(batches: 1, by: "n")]) { $0.batchWeight = 9 }
        #expect(alone?.contains("`batch_weight` has no effect without `max_batch` above 1") == true)
        #expect(refusal([api(batches: 1), api(by: "n")]) { $0.batchWeight = 9 } == nil)
        #expect(refusal([api(batches: 1, by: "n")]) { ($0.batchWeight, $0.maxBatch) = (9, 8) } == nil)
    }
}
