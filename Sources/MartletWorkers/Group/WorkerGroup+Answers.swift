import FoundationEssentials
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore

// What workers send.
extension WorkerGroup {
    /// A worker said something of a request. Answers what to tell the leg; the rest of what follows is done.
    ///
    /// - Parameter body: where the body of a `RESULT` lies, if it does not come with it.
    func take(
        _ type: WorkerFrameType, _ item: WorkerItem, lying body: LyingBody? = nil, from worker: WorkerNumber
    ) -> WorkerNews? {
        let id = ItemID(item.id)
        let now = Instant.current
        let given = type == .cancelled ? GivenUp(item) : nil
        return change(now: now) { state in
            // What is over, or is another worker's by now, is nobody's.
            guard state.machine.holder(of: id) == worker, let entry = state.entries[id] else { return (nil, []) }
            switch type {
            case .result: return finished(id, entry, answer(item, body), &state, now: now)
            case .chunk: return chunk(item, entry, &state, now: now)
            case .error: return failed(item, entry, &state, now: now)
            case .cancelled:
                state.letGoOfBody(id)
                state.entries[id] = nil
                if let given, entry.asker == nil {
                    let seconds = given.seconds / Double(state.machine.batchSize(of: id))
                    state.machine.compute.givenUp(given.phase, after: seconds)
                }
                // Somebody still asks where nobody called it off.
                let news = entry.asker.map {
                    WorkerNews(id: id, asker: $0, content: .refused(MartletError(.workerFailed, cause: "it gave up")))
                }
                return (news, state.machine.finished(id, .givenUp, now: now))
            default: return (nil, [])
            }
        }
    }

    /// What a `CANCELLED` says.
    private struct GivenUp: Sendable {
        private struct Text: Decodable {
            var compute_ms: Double?
            var phase: String?
        }

        let phase: ComputeLedger.Phase
        let seconds: Double

        init(_ item: WorkerItem) {
            let text = try? JSONDecoder().decode(Text.self, from: Data(item.meta.readableBytesView))
            phase = text?.phase.flatMap(ComputeLedger.Phase.init(rawValue:)) ?? .computing
            seconds = (text?.compute_ms ?? 0) / 1000
        }
    }

    private func finished(
        _ id: ItemID, _ entry: Entry, _ content: WorkerNews.Content, _ state: inout State, now: Instant
    ) -> (WorkerNews?, [BatchAction]) {
        state.letGoOfBody(id)
        state.entries[id] = nil
        let actions = state.machine.finished(id, .answered, now: now)
        return (entry.asker.map { WorkerNews(id: id, asker: $0, content: content) }, actions)
    }

    private func answer(_ item: WorkerItem, _ body: LyingBody?) -> WorkerNews.Content {
        guard (200...599).contains(item.status) else {
            return .refused(
                MartletError(.upstreamMalformed, operation: "worker \(api.path)", cause: "status \(item.status)"))
        }
        do throws(WireError) {
            let answer = try WorkerAnswer(meta: item.meta)
            if let body { return .lying(status: Int(item.status), answer, body) }
            return .answer(status: Int(item.status), answer, item.body)
        } catch {
            return .refused(MartletError(error.code, operation: "worker \(api.path)", cause: "\(error.reason)"))
        }
    }

    private func chunk(
        _ item: WorkerItem, _ entry: Entry, _ state: inout State, now: Instant
    ) -> (WorkerNews?, [BatchAction]) {
        let id = ItemID(item.id)
        let isLast = item.flags.contains(.last)
        var content: WorkerNews.Content
        do throws(WireError) {
            let head = item.status == 0 && item.meta.readableBytes > 0 ? try WorkerAnswer(meta: item.meta) : nil
            content = .chunks(head: head, [item.body], isLast: isLast)
        } catch {
            content = .refused(MartletError(error.code, operation: "worker \(api.path)", cause: "\(error.reason)"))
        }
        if isLast { return finished(id, entry, content, &state, now: now) }
        state.machine.began(id, now: now)
        state.letGoOfBody(id)
        let news = entry.asker.map { WorkerNews(id: id, asker: $0, content: content) }
        guard case .refused = content else { return (news, []) }
        // Without credit for the rest the worker would wait for ever.
        state.callOff(id, .replaced)
        return (news, state.machine.cancel(id, now: now))
    }

    private func failed(
        _ item: WorkerItem, _ entry: Entry, _ state: inout State, now: Instant
    ) -> (WorkerNews?, [BatchAction]) {
        let id = ItemID(item.id)
        let told = WorkerComplaint(item)
        // What is left of its body is not for the next try.
        state.forgetRest(of: id)
        guard !told.concernsBatch else {
            // Until it is tried in a smaller batch, or turns out to be the one at fault.
            state.entries[id]?.complaint = told.kept
            return (nil, state.machine.finished(id, .failedInBatch, now: now))
        }
        state.entries[id] = nil
        let actions = state.machine.finished(id, .failed, now: now)
        return (entry.asker.map { WorkerNews(id: id, asker: $0, content: .failed(told)) }, actions)
    }
}
