import MartletBase

/// `/metrics`: the totals of all loops and the readings of the moment, as Prometheus text.
package struct Exposition {
    /// The `Content-Type` of the text.
    package static let contentType = ExpositionWriter.contentType

    private let totals: MeterTotals
    private let labels: LabelRegistry
    let readings: Readings
    var writer = ExpositionWriter()

    package static func text(totals: MeterTotals, labels: LabelRegistry, readings: Readings) -> String {
        var exposition = Exposition(totals: totals, labels: labels, readings: readings)
        for series in Series.allCases {
            exposition.writer.begin(series)
            exposition.write(series)
        }
        return exposition.writer.text
    }

    private init(totals: MeterTotals, labels: LabelRegistry, readings: Readings) {
        self.totals = totals
        self.labels = labels
        self.readings = readings
    }

    private mutating func write(_ series: Series) {
        switch series {
        case .requests, .requestDuration: requests(series)
        case .timeToFirstByte, .interEvent, .connect, .attempts, .failures, .tokens: targets(series)
        case .queueWait, .retries, .requestBytes, .responseBytes: pools(series)
        case .tokenUsage, .operationDuration, .timeToFirstChunk: models(series)
        case .cancelled, .errors, .connections, .bufferedBytes, .impossibleEvents: global(series)
        case .inFlight, .targetUp, .breakerState: targetsNow(series)
        case .queueLength, .droppedLogLines, .buildInfo: readings(series)
        case .workers, .workerRequests, .workersRecycled, .workerResident, .workerDescriptors, .sharedMemory,
            .computeSaved, .computeWasted, .appMetric:
            for group in readings.groups { workers(series, group) }
        case .taskMessages, .taskOldest, .taskPublished, .taskDelivered, .taskWait:
            if let broker = readings.broker { queues(series, broker) }
        case .taskReturned, .taskDeadLetters, .brokerConnections, .brokerOpened, .brokerCommands, .brokerMemory,
            .brokerSync, .brokerRecords, .brokerJournal, .brokerReplay, .brokerSnapshots, .brokerFailures:
            if let broker = readings.broker { self.broker(series, broker) }
        case .taskHistoryTasks, .taskHistoryWritten, .taskHistoryMissed, .taskHistoryFailures:
            if let history = readings.taskHistory { taskHistory(series, history) }
        case .cronLeader, .cronRuns, .cronMissed:
            if let cron = readings.cron { self.cron(series, cron) }
        case .taskWorkerReady, .taskWorkerSlots, .taskWorkerTasks, .taskRuns, .taskRunSeconds, .taskOldestRun,
            .taskEventsDropped:
            for worker in readings.taskWorkers { taskWorker(series, worker) }
        case .knowledgeBases, .knowledgeDocuments, .knowledgeChunks, .knowledgeAge, .knowledgeSearch,
            .knowledgeAnswers, .knowledgeUnderWay, .knowledgeCache, .knowledgeInWork, .knowledgeIngestedDocuments,
            .knowledgeIngestedChunks, .knowledgeIngestedBytes, .knowledgeEmbeddings, .knowledgeEmbeddingErrors,
            .knowledgeRedisErrors:
            if let knowledge = readings.knowledge { self.knowledge(series, knowledge) }
        case .fdBudget, .fdPressure, .refusedConnections, .closeWaitSockets: descriptors(series)
        case .fileDescriptors, .cpuSeconds, .residentMemory, .startTime, .openFDs, .maxFDs: process(series)
        }
    }

    private mutating func requests(_ series: Series) {
        var requests = LabelledRows<Histogram<DurationScale>>()
        for (key, duration) in totals.requests.sorted(by: { $0.key.packed < $1.key.packed }) {
            let target = key.target.flatMap(labels.target)
            requests.add(
                duration,
                [
                    labels.name(key.route, in: .route), labels.name(key.pool, in: .pool), target?.url ?? "",
                    target?.version ?? "", key.status == 0 ? "" : key.status.description, key.outcome.text,
                ])
        }
        for (values, duration) in requests.rows {
            if series == .requests {
                writer.sample(values, duration.count)
            } else {
                writer.histogram(values, duration)
            }
        }
    }

    private mutating func targets(_ series: Series) {
        let hasVersion = series.labels.contains(.version)
        var targets = LabelledRows<TargetRow>()
        for (id, row) in totals.targets.sorted(by: { $0.key < $1.key }) {
            // One that was forgotten between the snapshot and now has no name any more.
            guard let target = labels.target(id) else { continue }
            targets.add(row, [target.pool, target.url] + (hasVersion ? [target.version ?? ""] : []))
        }
        for (values, row) in targets.rows {
            switch series {
            case .timeToFirstByte: writer.histogram(values, row.firstByte)
            case .interEvent: writer.histogram(values, row.interEvent)
            case .connect: writer.histogram(values, row.connect)
            case .attempts: writer.sample(values, row.attempts)
            case .tokens:
                writer.sample(values + ["input"], row.inputTokens)
                writer.sample(values + ["output"], row.outputTokens)
            default:
                for failure in FailureClass.allCases where row.failures[failure] > 0 {
                    writer.sample(values + [failure.text], row.failures[failure])
                }
            }
        }
    }

    private mutating func pools(_ series: Series) {
        var pools = LabelledRows<PoolRow>()
        for (index, row) in totals.pools.sorted(by: { $0.key < $1.key }) {
            pools.add(row, [labels.name(index, in: .pool)])
        }
        for (values, row) in pools.rows {
            switch series {
            case .queueWait:
                for (priority, wait) in zip(PriorityClass.allCases, row.queueWait) where wait.count > 0 {
                    writer.histogram(values + [priority.text], wait)
                }
            case .requestBytes: writer.sample(values, row.bytesIn)
            case .responseBytes: writer.sample(values, row.bytesOut)
            default:
                for failure in FailureClass.allCases where row.retries[failure] > 0 {
                    writer.sample(values + [failure.text], row.retries[failure])
                }
            }
        }
    }

    private mutating func models(_ series: Series) {
        let ordered = totals.models.sorted {
            ($0.key.model, $0.key.operation.rawValue) < ($1.key.model, $1.key.operation.rawValue)
        }
        var models = LabelledRows<ModelRow>()
        for (key, row) in ordered {
            models.add(row, [key.operation.text, labels.name(key.model, in: .model)])
        }
        for (values, row) in models.rows {
            switch series {
            case .operationDuration: writer.histogram(values, row.duration)
            case .timeToFirstChunk: writer.histogram(values, row.firstChunk)
            default:
                writer.histogram(values + ["input"], row.inputTokens)
                writer.histogram(values + ["output"], row.outputTokens)
            }
        }
    }

    /// Series whose label values are known beforehand are written from the start, at zero, so that a rate over their
    /// first increase is seen.
    private mutating func global(_ series: Series) {
        let global = totals.global
        switch series {
        case .cancelled:
            for phase in CancelPhase.allCases { writer.sample([phase.text], global.cancelled[phase]) }
        case .errors:
            for code in ErrorCode.allCases { writer.sample([code.text, code.fault.rawValue], global.errors[code]) }
        case .connections:
            for kind in ConnectionKind.allCases { writer.sample([kind.text], totals.connections(kind)) }
        case .bufferedBytes: writer.sample([], global.bufferedBytes)
        default: writer.sample([], global.impossibleEvents)
        }
    }

    private mutating func targetsNow(_ series: Series) {
        var targets = LabelledRows<Readings.Target>()
        for target in readings.targets { targets.add(target, [target.pool, target.url]) }
        for (values, target) in targets.rows {
            switch series {
            case .inFlight: writer.sample(values, target.inFlight)
            case .targetUp: writer.sample(values, target.isUp ? 1 : 0)
            default:
                guard let breaker = target.breaker else { continue }
                for state in BreakerLabel.allCases { writer.sample(values + [state.text], state == breaker ? 1 : 0) }
            }
        }
    }

    private mutating func readings(_ series: Series) {
        switch series {
        case .queueLength:
            for queue in readings.queues { writer.sample([queue.pool, queue.priority.text], queue.length) }
        case .droppedLogLines:
            for dropped in readings.droppedLogLines { writer.sample([dropped.log], dropped.lines) }
        default: writer.sample([readings.build.version, readings.build.commit], 1)
        }
    }

    private mutating func workers(_ series: Series, _ group: Readings.Group) {
        let pool = group.pool
        switch series {
        case .workers:
            writer.sample([pool, "wanted"], group.wanted)
            writer.sample([pool, "ready"], group.ready)
        case .workerRequests:
            writer.sample([pool, "waiting"], group.waiting)
            writer.sample([pool, "computing"], group.computing)
        case .workersRecycled: for one in group.recycled { writer.sample([pool, one.reason], one.count) }
        case .workerResident: ofWorkers(group.residentBytes, pool)
        case .workerDescriptors: ofWorkers(group.descriptors, pool)
        case .sharedMemory: for one in group.lyingBytes { writer.sample([pool, one.kind], one.bytes) }
        case .computeSaved: for one in group.secondsSaved { writer.sample([pool, one.phase], one.seconds) }
        case .computeWasted: writer.sample([pool], group.secondsWasted)
        default: for one in group.figures { writer.sample([pool, "\(one.worker)", one.name], one.value) }
        }
    }

    private mutating func ofWorkers(_ numbers: [Readings.Group.OfWorker], _ pool: String) {
        let sums = Dictionary(numbers.map { ($0.worker, $0.value) }, uniquingKeysWith: +)
        for (worker, sum) in sums.sorted(by: { $0.key < $1.key }) { writer.sample([pool, "\(worker)"], sum) }
    }

    private mutating func descriptors(_ series: Series) {
        guard let descriptors = readings.descriptors else { return }
        switch series {
        case .fdBudget: for share in descriptors.budget { writer.sample([share.kind], share.count) }
        case .fdPressure: writer.sample([], descriptors.pressure)
        case .refusedConnections: for refused in descriptors.refused { writer.sample([refused.reason], refused.count) }
        default: writer.sample([], descriptors.closeWait)
        }
    }

    private mutating func process(_ series: Series) {
        guard let process = readings.process else { return }
        switch series {
        case .fileDescriptors:
            for kind in FDKind.allCases { writer.sample([kind.rawValue], process.descriptors[kind] ?? 0) }
        case .cpuSeconds:
            writer.sample(["user"], process.userSeconds)
            writer.sample(["system"], process.systemSeconds)
        case .residentMemory: writer.sample([], process.residentBytes)
        case .startTime: writer.sample([], process.startSecondsSince1970)
        case .openFDs: writer.sample([], process.openDescriptors)
        default: writer.sample([], process.maximumDescriptors)
        }
    }
}
