import Foundation
import MartletTools
import Testing

@Suite("Tasks that are handed in again and again, by a server")
struct CronServerTests {
    private static let tasks = """
        tasks:
          broker: {listen: 127.0.0.1:0, store: {dir}/tasks}
          cron:
            report: {schedule: "30 2 * * *", task: tasks.report, queue: q}

        """

    private func withLeader(_ body: (MartletProcess) async throws -> Void) async throws {
        let martlet = try await MartletProcess.start(Self.tasks)
        do {
            try await until("a leader") {
                let look = try? await Client.ask("GET", "/cron", port: martlet.publicPort)
                return look?.json["leads"] as? Bool == true
            }
            try await body(martlet)
            await martlet.stop()
        } catch {
            await martlet.stop()
            throw error
        }
    }

    /// As the server names it when it has begun.
    private func broker(_ martlet: MartletProcess) async throws -> String {
        var url: Substring?
        try await until("the broker's URL") {
            url = martlet.written(to: "out").split(whereSeparator: \.isWhitespace).first { $0.hasPrefix("redis://") }
            return url != nil
        }
        return String(try #require(url))
    }

    @Test("The command line lists entries and hands them in, by a server and by the broker alone")
    func commandLine() async throws {
        try await withLeader { martlet in
            let server = "http://127.0.0.1:\(martlet.publicPort)"
            for place in [["--server", server], ["--broker", try await broker(martlet)]] {
                func run(_ words: String...) async throws -> String {
                    let result = try await CommandRun.tool(
                        try Repository.binary.path, ["task", "cron"] + words + place)
                    #expect(result.status == 0, "\(result.output)")
                    return result.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)
                }
                let list = try await run()
                #expect(list.hasPrefix("led by "), "\(list)")
                #expect(list.contains("report  30 2 * * *  UTC  tasks.report  q  last: -  next: "), "\(list)")
                let id = try await run("run", "report")
                let task = try await Client.ask("GET", "/tasks/\(id)", port: martlet.publicPort).expect(200)
                #expect(task.json["name"] as? String == "tasks.report" && task.json["queue"] as? String == "q")
            }
        }
    }

    @Test("Only what is an entry is handed in, by a POST, and by no page of another site")
    func refusals() async throws {
        try await withLeader { martlet in
            try await Client.ask("POST", "/cron/nobody/run", port: martlet.publicPort).expect(404, "not_found")
            try await Client.ask("GET", "/cron/report/run", port: martlet.publicPort).expect(405)
            try await Client.ask(
                "POST", "/cron/report/run", port: martlet.publicPort, headers: ["Origin: https://elsewhere.example"]
            ).expect(401)
            try await Client.ask("POST", "/cron/report/run", port: martlet.publicPort).expect(202)
        }
    }

    @Test("Metrics tell who leads and how often each entry was handed in")
    func metrics() async throws {
        try await withLeader { martlet in
            let text = try await Client.ask("GET", "/metrics", port: martlet.consolePort).expect(200).body
            #expect(text.contains("martlet_cron_leader 1\n"))
            #expect(text.contains("martlet_cron_runs_total{name=\"report\"} 0\n"))
            #expect(text.contains("martlet_cron_missed_total{name=\"report\"} 0\n"))
        }
    }
}
