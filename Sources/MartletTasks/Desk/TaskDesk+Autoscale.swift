import MartletBase
import MartletLogic
package import MartletWire

// What autoscalers read.
extension TaskDesk {
    /// How a queue stands, and how many workers would do, for KEDA's `metrics-api`.
    package func autoscale(_ queue: String) async throws -> JSONValue {
        let look = try await self.queue(queue)
        return [
            "queue": .string(queue), "waiting": .integer(Int64(look.waiting)),
            "reserved": .integer(Int64(look.reserved ?? 0)), "running": .integer(Int64(look.running)),
            "oldest_age_s": QueueLook.rounded(look.oldestSeconds), "desired": .integer(Int64(desired(look))),
        ]
    }

    /// Enough that whoever waits is served in time; never fewer than are at work, so that nobody is stopped at it.
    private func desired(_ look: QueueLook) -> Int {
        let held = max(0, (look.reserved ?? 0) - look.running)
        let load = TaskScaler.Load(
            waiting: look.waiting + held, running: look.running, oldestSeconds: look.oldestSeconds,
            meanSeconds: look.pace.runtime)
        let bounds = settings.desiredWorkers
        return min(max(TaskScaler.desired(load, wait: settings.wait), bounds.lowerBound), bounds.upperBound)
    }

    /// The metrics of Kubernetes' external-metrics API, each with its value.
    package enum ExternalMetric: String, CaseIterable, Sendable {
        case waiting = "task_queue_waiting"
        case reserved = "task_queue_reserved"
        case running = "task_queue_running"
        case oldestAge = "task_queue_oldest_age_seconds"
        case desired = "task_queue_desired_workers"
    }

    /// A list of one metric in the form of `external.metrics.k8s.io/v1beta1`.
    ///
    /// - Parameter queues: nil: all.
    package func external(_ metric: ExternalMetric, queues names: [String]?) async throws -> JSONValue {
        var looks: [QueueLook] = []
        if let names {
            for name in names { looks.append(try await queue(name)) }
        } else {
            looks = try await queues()
        }
        let now = CeleryTime.text(milliseconds: Self.nowMilliseconds / 1000 * 1000)
        let items: [JSONValue] = looks.map { look in
            [
                "metricName": .string(metric.rawValue), "metricLabels": ["queue": .string(look.name)],
                "timestamp": .string(now.prefix { $0 != "." && $0 != "+" } + "Z"),
                "value": .string(quantity(metric, look)),
            ]
        }
        return [
            "kind": "ExternalMetricValueList", "apiVersion": "external.metrics.k8s.io/v1beta1", "metadata": [:],
            "items": .array(items),
        ]
    }

    /// As Kubernetes writes numbers: seconds in thousandths.
    private func quantity(_ metric: ExternalMetric, _ look: QueueLook) -> String {
        switch metric {
        case .waiting: "\(look.waiting)"
        case .reserved: "\(look.reserved ?? 0)"
        case .running: "\(look.running)"
        case .oldestAge: "\(Int((look.oldestSeconds * 1000).rounded()))m"
        case .desired: "\(desired(look))"
        }
    }
}
