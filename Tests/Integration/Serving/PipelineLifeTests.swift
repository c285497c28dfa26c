import Foundation
import MartletTools
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// The workers of a pipeline's stages come, die and are replaced.
@Suite(.serialized, .timeLimit(.minutes(2))) struct PipelineLifeTests {
    @Test func KilledWorkersOfALaterStageCostNobodyMoreThanOneOutcome() async throws {
        let source = """
            class Prepare(LitAPI):
                def predict(self, x):
                    return x["n"] + 1

            class Model(LitAPI):
                def predict(self, n):
                    time.sleep(0.003)
                    return n

            served = Pipeline([Prepare(), Model()], workers_per_device=[1, 3])
            """
        try await withApp(source, "restart: {stable: 50ms}", workers: 4) { martlet, _ in
            let load = Task {
                try await martlet.load {
                    $0.path = "/predict"
                    $0.body = #"{"n": 1}"#
                    $0.connections = 16
                    $0.duration = .seconds(3)
                }
            }
            for number in 0..<9 {
                let victim = number % 3
                let pid = try #require(try await martlet.backend(victim, of: "m#2").pid)
                kill(pid, SIGKILL)
                try await martlet.awaitReplacement(of: pid, victim, of: "m#2")
            }
            let seen = try await load.value
            #expect(seen.completed > 200)
            #expect(seen.completed + seen.failed + seen.unfinished == seen.requests, "\(seen.text)")
            // Who was with two that were killed one after the other may be told so.
            #expect(seen.failed == seen.statuses.filter { $0.key >= 500 }.values.reduce(0, +), "\(seen.failures)")
            #expect(seen.failed <= 2, "\(seen.text)")
        }
    }

    @Test func WhoComesToAStageThatIsGoneForGoodIsToldSoAtOnce() async throws {
        let source = """
            class First(LitAPI):
                def predict(self, x):
                    note("first")
                    held("open")
                    return x

            class Second(LitAPI):
                def setup(self, device):
                    assert not os.path.exists(PLACE + "/broken")

                def predict(self, x):
                    return x

            served = Pipeline([First(), Second()])
            """
        let app = try App(source)
        defer { app.remove() }
        let martlet = try await MartletProcess.start(
            app.configuration(["restart: {backoff: 10ms, exits: 2}"]), environment: Repository.withSDK)
        do {
            try await martlet.awaitWorkers(2)
            let client = try await martlet.begin()
            try await app.awaitNote("first")
            try app.open("broken")
            kill(try #require(try await martlet.backend(of: "m#2").pid), SIGKILL)
            try await until("it to be given up", within: .seconds(10), explain: { martlet.log() }) {
                try await martlet.backend(of: "m#2").state == "broken"
            }
            try app.open("open")
            try await client.answer(to: "POST").expect(502, "no_target")
            await client.close()
            try await martlet.predict().expect(502, "no_target")
            #expect(app.notes == ["first"], "nothing is computed in vain")
        } catch {
            await martlet.stop()
            throw error
        }
        await martlet.stop()
    }

    @Test func TheSlowStageGetsMoreWorkersAndTheOthersKeepTheirs() async throws {
        let source = """
            class Fast(LitAPI):
                def predict(self, x):
                    return x

            class Slow(LitAPI):
                def predict(self, x):
                    time.sleep(0.1)
                    return x

            served = Pipeline([Fast(), Slow()])
            """
        try await withApp(source, "scale: {max: 3, wait: 200ms, sustained: 1s, idle: 2s, cooldown: 1s}", workers: 2) {
            martlet, _ in
            async let load = martlet.load {
                $0.path = "/predict"
                $0.body = "{}"
                $0.connections = 16
                $0.duration = .seconds(8)
            }
            try await until("three to serve", within: .seconds(10), explain: { martlet.log() }) {
                let metrics = try await martlet.metrics()
                #expect(metrics.sum("martlet_workers", ["pool": "m", "state": "wanted"]) == 1)
                return metrics.sum("martlet_workers", ["pool": "m#2", "state": "ready"]) == 3
            }
            let seen = try await load
            #expect(seen.failed == 0 && seen.statuses.keys.sorted() == [200], "\(seen.text)")
            try await until("one of each to be left", within: .seconds(20), explain: { martlet.log() }) {
                try await martlet.status().backends.count == 2
            }
            try await martlet.predict().expect(200)
        }
    }

    @Test func WhereThereMayBeNoneTheFirstRequestWakesEveryStage() async throws {
        let source = """
            class First(LitAPI):
                def setup(self, device):
                    note("loaded", type(self).__name__)

                def predict(self, x):
                    return x["n"] + 1

            class Second(First):
                def predict(self, n):
                    return 10 * n

            served = Pipeline([First(), Second()])
            """
        let app = try App(source)
        defer { app.remove() }
        let martlet = try await MartletProcess.start(
            app.configuration(["scale: {min: 0, max: 1, idle: 5s, cooldown: 1s}"]), environment: Repository.withSDK)
        do {
            #expect(try await martlet.status().backends.isEmpty && app.notes.isEmpty)
            for round in 1...2 {
                try await withThrowingTaskGroup { group in
                    for number in 0..<4 {
                        group.addTask {
                            let answer = try await martlet.predict(#"{"n": \#(number)}"#, within: .seconds(30))
                            #expect(answer.expect(200).body == "\(10 * number + 10)")
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(app.notes.count == 2 * round)
                #expect(app.notes.suffix(2).sorted() == ["loaded First", "loaded Second"])
                try await until("all to rest again", within: .seconds(20), explain: { martlet.log() }) {
                    try await martlet.status().backends.isEmpty
                }
            }
        } catch {
            await martlet.stop()
            throw error
        }
        await martlet.stop()
    }

    @Test func WornWorkersOfEachStageAreReplacedAndNoRequestFails() async throws {
        let source = """
            class First(LitAPI):
                def predict(self, x):
                    return x

            served = Pipeline([First(), First()])
            """
        try await withApp(source, "recycle: {requests: 200}", workers: 2) { martlet, _ in
            let seen = try await martlet.load {
                $0.path = "/predict"
                $0.body = "{}"
                $0.connections = 8
                $0.duration = .seconds(3)
            }
            #expect(seen.failed == 0 && seen.statuses.keys.sorted() == [200], "\(seen.text)")
            try await martlet.awaitWorkers(2)
            for group in ["m", "m#2"] {
                #expect(try await martlet.metrics().sum("martlet_workers_recycled_total", ["pool": group]) > 0)
            }
        }
    }

    /// The former stages serve until all new ones do, whichever of them is ready first.
    @Test(arguments: ["First", "Second"]) func AReloadReplacesAllStagesAndNoRequestFails(slow: String) async throws {
        let source = """
            class First(LitAPI):
                def setup(self, device):
                    time.sleep(1 if "NAMED" in os.environ and type(self).__name__ == "\(slow)" else 0)

                def predict(self, x):
                    return os.environ.get("NAMED", "former")

            class Second(First):
                def predict(self, x):
                    time.sleep(0.002)
                    return x + " " + os.environ.get("NAMED", "former")

            served = Pipeline([First(), Second()])
            """
        try await withApp(source, workers: 2) { martlet, app in
            let before = try await martlet.status().backends.compactMap(\.pid)
            async let load = martlet.load {
                $0.path = "/predict"
                $0.body = "{}"
                $0.duration = .seconds(3)
            }
            try await martlet.reload(app.configuration(["environment: {NAMED: new}"]))
            try await until("the new ones to serve", explain: { martlet.log() }) {
                let body = try await martlet.predict().expect(200).body
                #expect([#""former former""#, #""new new""#].contains(body))
                return body == #""new new""#
            }
            try await martlet.awaitWorkers(2)
            let seen = try await load
            // The answers of before and after differ.
            #expect(seen.failed == seen.failures[.mismatch, default: 0], "\(seen.text)")
            #expect(seen.statuses.keys.sorted() == [200], "\(seen.text)")
            let after = try await martlet.status().backends.compactMap(\.pid)
            #expect(Set(before).isDisjoint(with: after))
        }
    }
}
