import MartletBase
import MartletConsole
import MartletExchange
import MartletNet
import MartletTasks
import MartletWire

/// `/autoscale?queue=NAME`: what KEDA's `metrics-api` scaler reads.
final class AutoscaleEndpoint: LocalHandler {
    static let path = "/autoscale"

    private let desk: TaskDesk

    init(_ desk: TaskDesk) {
        self.desk = desk
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try request.must(be: .get)
        let query = try RequestQuery(request, knows: ["queue"])
        guard let queue = query.text("queue"), TaskName.isValid(queue) else {
            throw MartletError(.badRequest, cause: "say which one: /autoscale?queue=NAME")
        }
        return .json(try await desk.autoscale(queue).text)
    }
}

/// `/apis/external.metrics.k8s.io/v1beta1`: the same for a Kubernetes HPA, as its external-metrics API asks for it.
final class ExternalMetricsEndpoint: LocalHandler {
    static let path = "/apis/external.metrics.k8s.io/v1beta1"

    private let desk: TaskDesk

    init(_ desk: TaskDesk) {
        self.desk = desk
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try request.must(be: .get)
        let parts = try request.parts(after: Self.path)
        if parts.isEmpty { return .json(Self.resources.text) }
        guard parts.count == 3, parts[0] == "namespaces", let metric = TaskDesk.ExternalMetric(rawValue: parts[2])
        else { throw MartletError(.notFound) }
        let query = try RequestQuery(request, knows: ["labelSelector", "timeout", "watch"])
        let queues = try query.text("labelSelector").map { text throws(MartletError) in try Self.queues(text) }
        return .json(try await desk.external(metric, queues: queues).text)
    }

    /// The queues of a label selector: `queue=NAME` or `queue in (A,B)`.
    static func queues(_ selector: String) throws(MartletError) -> [String] {
        let text = selector.filter { $0 != " " }
        var names: [Substring] = []
        if text.hasPrefix("queue=") {
            names = [text.dropFirst(text.hasPrefix("queue==") ? 7 : 6)]
        } else if text.hasPrefix("queuein("), text.hasSuffix(")") {
            names = text.dropFirst(8).dropLast().split(separator: ",")
        }
        guard !names.isEmpty, names.count <= 50, names.allSatisfy({ TaskName.isValid(String($0)) }) else {
            throw MartletError(.badRequest, cause: "`labelSelector` is not queue=NAME or queue in (NAME, NAME)")
        }
        return names.map(String.init)
    }

    private static let resources: JSONValue = [
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "external.metrics.k8s.io/v1beta1",
        "resources": .array(
            TaskDesk.ExternalMetric.allCases.map { metric in
                [
                    "name": .string(metric.rawValue), "singularName": "", "namespaced": true,
                    "kind": "ExternalMetricValueList", "verbs": ["get"],
                ]
            }),
    ]
}
