import MartletGateway
import MartletWorkers

/// Which group of workers stands for a backend in its pool: the one that the configuration asks for, once one of its
/// workers serves, and one of each later stage of its pipeline; until then the one before it.
struct GroupTargets {
    struct Standing {
        let group: WorkerGroup
        /// Its own: a group and the one that takes its place are targets of one pool for a moment.
        let source: Membership.Source
    }

    /// Who stands for a backend from now on, and who did until now.
    struct Change {
        let former: Standing?
        let present: Standing?

        var isNone: Bool { former?.group === present?.group }
    }

    /// The workers that serve, and whose they are.
    private var homes: [BackendIdentity: WorkerGroup] = [:]
    private var standing: [String: Standing] = [:]
    private var lastSource = 0

    /// A worker serves; `wanted` is the group that the configuration asks for, in the pipeline of the backend `head`.
    mutating func came(_ worker: BackendIdentity, wanted: WorkerGroup, in head: String) {
        let former = standing[head]?.group.stages ?? []
        homes[worker] = wanted.has(worker.number) ? wanted : former.first { $0.has(worker.number) }
    }

    /// Whether the worker has to stay for now: it is of a pipeline that stands for `head` until the `wanted` one serves
    /// in all of its stages.
    func isNeeded(_ worker: BackendIdentity, in head: String, wanted: WorkerGroup?) -> Bool {
        guard let wanted, let home = homes[worker], let present = standing[head]?.group, present !== wanted else {
            return false
        }
        return present.stages.contains { $0 === home } && !serves(wanted)
    }

    private func serves(_ group: WorkerGroup) -> Bool {
        group.stages.allSatisfy { stage in homes.values.contains { $0 === stage } }
    }

    /// Answers its group where that was the last one of it.
    mutating func left(_ worker: BackendIdentity) -> WorkerGroup? {
        guard let group = homes.removeValue(forKey: worker), !homes.values.contains(where: { $0 === group }) else {
            return nil
        }
        return group
    }

    /// Who is to stand for `backend`, nil: nobody.
    mutating func choose(_ backend: String, wanted: WorkerGroup?) -> Change {
        let former = standing[backend]
        let chosen = wanted.flatMap { serves($0) ? $0 : nil } ?? former.flatMap { serves($0.group) ? $0.group : nil }
        if let chosen, chosen !== former?.group {
            lastSource += 1
            standing[backend] = Standing(group: chosen, source: .backend(backend, number: -lastSource))
        } else if chosen == nil || wanted == nil {
            standing[backend] = nil
        }
        return Change(former: former, present: standing[backend])
    }
}
