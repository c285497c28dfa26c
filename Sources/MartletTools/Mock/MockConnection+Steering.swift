import MartletBase
import NIOCore
import Synchronization

/// The paths by which a test watches and steers the mock: no fault touches them and they are not counted.
extension MockConnection {
    func steer(_ request: MockRequest, closes: Bool) {
        switch request.endpoint {
        case .stats:
            guard let id = request.query["id"] else {
                var object = site.shared.stats.json
                if request.query["ids"] == "all" { object.set("ids", site.shared.records.all.map(\.json)) }
                return reply(200, object, closes: closes)
            }
            let record = site.shared.records[id]
            reply(record == nil ? 404 : 200, record?.json ?? JSONObject(), closes: closes)
        case .wait:
            awaitRecord(request, closes: closes)
        default:
            control(request, closes: closes)
        }
    }

    private func control(_ request: MockRequest, closes: Bool) {
        let conduct = site.shared.conduct
        var behaviour = conduct.wanted
        var schedule: MockSchedule?
        for field in request.mockFields {
            if field.name == "schedule" {
                schedule = MockSchedule(text: field.value)
                if schedule == nil { return reply(400, JSONObject(), closes: closes) }
            } else if !behaviour.set(field.name, field.value) {
                return reply(400, JSONObject(), closes: closes)
            }
        }
        if let schedule { conduct.begin(schedule) }
        conduct.wanted = behaviour
        reply(200, Self.json(of: behaviour, conduct.schedule), closes: closes)
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

    private static func json(of behaviour: MockBehaviour, _ schedule: MockSchedule) -> JSONObject {
        var object = JSONObject()
        object.set("latency", behaviour.latency.text)
        object.set("tokens", behaviour.tokens)
        object.set("interval", behaviour.interval.text)
        object.set("size", behaviour.size)
        object.set("fault", "\(behaviour.fault)")
        object.set("health", behaviour.health)
        object.set("schedule", schedule.text)
        return object
    }
}
