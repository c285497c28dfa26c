import MartletBase

/// `/metrics`: the totals of all loops and the readings of the moment, as Prometheus text.
package struct Exposition {
    /// The `Content-Type` of the text.
    package static let contentType = ExpositionWriter.contentType

    private let totals: MeterTotals
    private let labels: LabelRegistry
    private let readings: Readings
    private var writer = ExpositionWriter()

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
        case .inFlight, .queueLength, .targetUp, .breakerState, .droppedLogLines, .buildInfo: readings(series)
        case .fileDescriptors, .cpuSeconds, .residentMemory, .startTime, .openFDs, .maxFDs: process(series)
        }
    }

    private mutating func requests(_ series: Series) {
        for (key, duration) in totals.requests.sorted(by: { $0.key.packed < $1.key.packed }) {
            let target = key.target.flatMap(labels.target)
            let values = [
                labels.name(key.route, in: .route), labels.name(key.pool, in: .pool), target?.url ?? "",
                target?.version ?? "", key.status == 0 ? "" : key.status.description, key.outcome.text,
            ]
            if series == .requests {
                writer.sample(values, duration.count)
            } else {
                writer.histogram(values, duration)
            }
        }
    }

    private mutating func targets(_ series: Series) {
        for (id, row) in totals.targets.sorted(by: { $0.key < $1.key }) {
            // One that was forgotten between the snapshot and now has no name any more.
            guard let target = labels.target(id) else { continue }
            let version = target.version ?? ""
            switch series {
            case .timeToFirstByte: writer.histogram([target.pool, target.url, version], row.firstByte)
            case .interEvent: writer.histogram([target.pool, target.url], row.interEvent)
            case .connect: writer.histogram([target.pool, target.url], row.connect)
            case .attempts: writer.sample([target.pool, target.url, version], row.attempts)
            case .tokens:
                writer.sample([target.pool, target.url, version, "input"], row.inputTokens)
                writer.sample([target.pool, target.url, version, "output"], row.outputTokens)
            default:
                for failure in FailureClass.allCases where row.failures[failure] > 0 {
                    writer.sample([target.pool, target.url, failure.text], row.failures[failure])
                }
            }
        }
    }

    private mutating func pools(_ series: Series) {
        for (index, row) in totals.pools.sorted(by: { $0.key < $1.key }) {
            let pool = labels.name(index, in: .pool)
            switch series {
            case .queueWait:
                for (priority, wait) in zip(PriorityClass.allCases, row.queueWait) where wait.count > 0 {
                    writer.histogram([pool, priority.text], wait)
                }
            case .requestBytes: writer.sample([pool], row.bytesIn)
            case .responseBytes: writer.sample([pool], row.bytesOut)
            default:
                for failure in FailureClass.allCases where row.retries[failure] > 0 {
                    writer.sample([pool, failure.text], row.retries[failure])
                }
            }
        }
    }

    private mutating func models(_ series: Series) {
        let ordered = totals.models.sorted { ($0.key.model, $0.key.operation.rawValue)
            < ($1.key.model, $1.key.operation.rawValue)
        }
        for (key, row) in ordered {
            let values = [key.operation.text, labels.name(key.model, in: .model)]
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

    private mutating func readings(_ series: Series) {
        switch series {
        case .inFlight:
            for target in readings.targets { writer.sample([target.pool, target.url], target.inFlight) }
        case .targetUp:
            for target in readings.targets { writer.sample([target.pool, target.url], target.isUp ? 1 : 0) }
        case .breakerState:
            for target in readings.targets {
                guard let breaker = target.breaker else { continue }
                for state in BreakerLabel.allCases {
                    writer.sample([target.pool, target.url, state.text], state == breaker ? 1 : 0)
                }
            }
        case .queueLength:
            for queue in readings.queues { writer.sample([queue.pool, queue.priority.text], queue.length) }
        case .droppedLogLines:
            for dropped in readings.droppedLogLines { writer.sample([dropped.log], dropped.lines) }
        default: writer.sample([readings.build.version, readings.build.commit], 1)
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
