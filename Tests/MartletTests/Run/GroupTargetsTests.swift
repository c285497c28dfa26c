import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import NIOPosix
import Testing

@testable import Martlet
@testable import MartletWorkers

@Suite("Which group stands for a backend") struct GroupTargetsTests {
    private final class Deaf: WorkerLinkDelegate {
        func linkReceived(_ type: WorkerFrameType, id: UInt64, payload: ByteBuffer) {}
        func linkReceived(_ type: WorkerFrameType, _ item: WorkerItem) {}
        func linkReadComplete() {}
        func linkWritable() {}
        func linkEnded(_ end: WorkerLinkEnd) {}
    }

    /// A pipeline of two stages, the backends `m` and `m#2`.
    private struct Stages {
        let first: WorkerGroup
        let second: WorkerGroup

        init() {
            func group(_ path: String, _ next: WorkerGroup?) -> WorkerGroup {
                WorkerGroup(
                    WorkerAPI(path: path), policy: BatchPolicy(), answerWithin: .seconds(1),
                    clock: MultiThreadedEventLoopGroup.singleton.next(), next: next)
            }
            second = group("/m#2", nil)
            first = group("/m", second)
        }
    }

    private func worker(_ backend: String, _ number: Int, of group: WorkerGroup) throws -> BackendIdentity {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let link = WorkerLink(try ChildSocket(), on: loop, delegate: Deaf())
        group.ready(WorkerSeat(WorkerNumber(number), of: group, link: link) {}, WorkerCapacity())
        link.close()
        return BackendIdentity(backend: backend, instance: 0, number: number)
    }

    @Test("a pipeline serves when each of its stages does, and no longer when one does not")
    func whole() throws {
        let stages = Stages()
        var groups = GroupTargets()
        let second = try worker("m#2", 2, of: stages.second)
        groups.came(second, wanted: stages.second, in: "m")
        #expect(groups.choose("m", wanted: stages.first).present == nil)
        groups.came(try worker("m", 1, of: stages.first), wanted: stages.first, in: "m")
        #expect(groups.choose("m", wanted: stages.first).present?.group === stages.first)
        #expect(groups.left(second) === stages.second)
        #expect(groups.choose("m", wanted: stages.first).present == nil)
    }

    @Test("the former stages stay until all new ones serve, whichever comes first", arguments: [[1, 2], [2, 1]])
    func succession(order: [Int]) throws {
        let (former, wanted) = (Stages(), Stages())
        var groups = GroupTargets()
        let old = [try worker("m", 1, of: former.first), try worker("m#2", 2, of: former.second)]
        groups.came(old[0], wanted: former.first, in: "m")
        groups.came(old[1], wanted: former.second, in: "m")
        _ = groups.choose("m", wanted: former.first)
        #expect(!groups.isNeeded(old[0], in: "m", wanted: former.first), "nothing else is wanted")

        for (step, stage) in order.enumerated() {
            #expect(old.allSatisfy { groups.isNeeded($0, in: "m", wanted: wanted.first) }, "step \(step)")
            #expect(groups.choose("m", wanted: wanted.first).present?.group === former.first)
            let group = stage == 1 ? wanted.first : wanted.second
            let new = try worker(stage == 1 ? "m" : "m#2", 10 + stage, of: group)
            groups.came(new, wanted: group, in: "m")
        }
        #expect(!old.contains { groups.isNeeded($0, in: "m", wanted: wanted.first) })
        let change = groups.choose("m", wanted: wanted.first)
        #expect(change.former?.group === former.first && change.present?.group === wanted.first)
    }

    @Test("one that is wanted no more keeps nobody")
    func removed() throws {
        let stages = Stages()
        var groups = GroupTargets()
        let first = try worker("m", 1, of: stages.first)
        groups.came(first, wanted: stages.first, in: "m")
        groups.came(try worker("m#2", 2, of: stages.second), wanted: stages.second, in: "m")
        _ = groups.choose("m", wanted: stages.first)
        #expect(!groups.isNeeded(first, in: "m", wanted: nil))
        #expect(groups.choose("m", wanted: nil).present == nil)
    }
}
