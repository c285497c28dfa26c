import MartletWorkers

/// The configuration bounds the weight of batches, or says what requests weigh, and nothing comes of it.
struct IdleWeight: Error, CustomStringConvertible {
    let description: String

    /// - Parameter apis: What the app of `workers` says of itself: each key counts where one of them completes it.
    /// - Throws: `IdleWeight`, which names what is missing.
    static func check(_ workers: WorkersConfiguration, _ apis: [WorkerAPI]) throws {
        let weighs = workers.weightBy != nil || apis.contains { $0.weightBy != nil }
        let bounds = workers.batchWeight != nil || apis.contains { $0.batchWeight != nil }
        let batches = apis.contains { (workers.maxBatch ?? $0.maxBatch) > 1 }
        if workers.batchWeight != nil {
            if !weighs { throw IdleWeight(workers, "batch_weight", without: "weight_by") }
            if !batches { throw IdleWeight(workers, "batch_weight", without: "max_batch", above: 1) }
        } else if workers.weightBy != nil, !bounds {
            throw IdleWeight(workers, "weight_by", without: "batch_weight")
        }
    }

    private init(_ workers: WorkersConfiguration, _ key: String, without other: String, above least: Int? = nil) {
        let bound = least.map { " above \($0)" } ?? ""
        description =
            "workers \(workers.name): `\(key)` has no effect without `\(other)`\(bound), which neither the"
            + " configuration nor \(workers.app) says"
    }
}
