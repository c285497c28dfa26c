import MartletBase
import NIOCore
import Synchronization

/// The paths by which a test watches and steers the mock: no fault touches them and they are not counted.
extension MockConnection {
    func steer(_ request: MockRequest, _ behaviour: MockBehaviour, closes: Bool) {
        switch request.endpoint {
        case .stats:
            guard let id = request.query["id"] else {
                return reply(200, site.shared.counters.stats.json, closes: closes)
            }
            let record = site.shared.records[id]
            reply(record == nil ? 404 : 200, record?.json ?? JSONObject(), closes: closes)
        case .wait:
            awaitRecord(request, closes: closes)
        default:
            site.shared.behaviour.withLock { $0 = behaviour }
            reply(200, Self.json(of: behaviour), closes: closes)
        }
    }

    private func reply(_ status: Int, _ body: JSONObject, closes: Bool) {
        write(MockAnswer(status, body: body.text, closes: closes).bytes)
        if closes { closeWhenWritten() }
    }

    private func awaitRecord(_ request: MockRequest, closes: Bool) {
        let query = request.query
        guard let context, let id = query["id"], let state = MockRequestState(rawValue: query["state"] ?? "cancelled"),
            let timeout = Duration(text: query["timeout"] ?? "5s")
        else { return reply(400, JSONObject(), closes: closes) }
        phase = .silent
        let limit = TimeAmount.nanoseconds(timeout.wholeNanoseconds)
        site.shared.records.wait(for: id, state: state, timeout: limit, on: context.eventLoop)
            .assumeIsolated().whenComplete { result in
                guard self.phase == .silent else { return }
                self.phase = .idle
                let met = (try? result.get()) ?? nil
                let record = met ?? self.site.shared.records[id]
                self.reply(met == nil ? 408 : 200, record?.json ?? JSONObject(), closes: closes)
                self.context?.flush()
                self.serve()
            }
    }

    private static func json(of behaviour: MockBehaviour) -> JSONObject {
        var object = JSONObject()
        object.set("latency", behaviour.latency.text)
        object.set("tokens", behaviour.tokens)
        object.set("interval", behaviour.interval.text)
        object.set("size", behaviour.size)
        object.set("fault", "\(behaviour.fault)")
        object.set("health", behaviour.health)
        return object
    }
}
