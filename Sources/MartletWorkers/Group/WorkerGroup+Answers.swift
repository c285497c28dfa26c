import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore

// What workers send.
extension WorkerGroup {
    /// A worker said something of a request. Answers what to tell the leg; the rest of what follows is done.
    func take(_ type: WorkerFrameType, _ item: WorkerItem, from worker: WorkerNumber) -> WorkerNews? {
        let id = ItemID(item.id)
        let now = Instant.current
        return change(now: now) { state in
            // What is over, or is another worker's by now, is nobody's.
            guard state.machine.holder(of: id) == worker, let entry = state.entries[id] else { return (nil, []) }
            switch type {
            case .result: return finished(id, entry, answer(item), &state, now: now)
            case .chunk: return chunk(item, entry, &state, now: now)
            case .error: return failed(item, entry, &state, now: now)
            case .cancelled:
                state.entries[id] = nil
                // Somebody still asks where nobody called it off.
                let news = entry.asker.map {
                    WorkerNews(id: id, asker: $0, content: .refused(MartletError(.workerFailed, cause: "it gave up")))
                }
                return (news, state.machine.finished(id, .givenUp, now: now))
            default: return (nil, [])
            }
        }
    }

    private func finished(
        _ id: ItemID, _ entry: Entry, _ content: WorkerNews.Content, _ state: inout State, now: Instant
    ) -> (WorkerNews?, [BatchAction]) {
        state.entries[id] = nil
        let actions = state.machine.finished(id, .answered, now: now)
        return (entry.asker.map { WorkerNews(id: id, asker: $0, content: content) }, actions)
    }

    private func answer(_ item: WorkerItem) -> WorkerNews.Content {
        guard (200...599).contains(item.status) else {
            return .refused(
                MartletError(.upstreamMalformed, operation: "worker \(api.path)", cause: "status \(item.status)"))
        }
        do throws(WireError) {
            return .answer(status: Int(item.status), try WorkerAnswer(meta: item.meta), item.body)
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
        state.machine.began(id)
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
