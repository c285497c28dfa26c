import ArgumentParser
import Foundation
import Martlet

struct TaskCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "task", abstract: "Hand tasks in, ask what became of them, call them off.",
        subcommands: [Submit.self, Get.self, Cancel.self, List.self, Replay.self, Cron.self])

    /// Who is asked.
    struct Where: ParsableArguments {
        @Option(name: .long, help: "The server's URL; else MARTLET_SERVER, or http://127.0.0.1:8080.")
        var server: String?

        @Option(name: .long, help: "A broker in place of a server, such as redis://127.0.0.1:6379/0.")
        var broker: String?

        @Flag(name: .long, help: "Print JSON.")
        var json = false

        func validate() throws {
            if server != nil, broker != nil { throw ValidationError("ask a --server or a --broker, not both") }
        }

        /// Prints what `body` answers, or what stands in its way.
        func tell(_ body: (TaskTool) async throws -> String) async throws {
            do {
                let tool = try TaskTool(
                    server: server, broker: broker, isJSON: json, environment: ProcessInfo.processInfo.environment)
                print(try await body(tool))
            } catch {
                FileHandle.standardError.write(Data("\(error)\n".utf8))
                throw ExitCode(1)
            }
        }
    }

    /// How long to wait for a result.
    struct Wait: ParsableArguments {
        @Option(name: .long, help: "Wait so long for the result, such as 30s.", transform: Wait.read)
        var wait: Duration?

        private static func read(_ text: String) throws -> Duration {
            guard let duration = TaskTool.duration(text) else {
                throw ValidationError("'\(text)' is no time such as 30s")
            }
            return duration
        }
    }

    struct Submit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Hand a task in: a name with arguments, or a path of the server with a body.",
            discussion: """
                martlet task submit tasks.add 1 2 --queue cpu_queue --wait 10s
                martlet task submit /v1/chat/completions --body '{"model": "m", "messages": []}'
                """)

        @Argument(help: "The task's name, such as tasks.add, or a route, such as /v1/embeddings.")
        var target: String

        @Argument(help: "Its arguments: JSON, or a text.")
        var arguments: [String] = []

        @Option(name: .customLong("kwarg"), help: "An argument by its name: NAME=VALUE. Any number of times.")
        var keywordArguments: [String] = []

        @Option(name: .long, help: "What a route is asked: JSON.")
        var body: String?

        @Option(name: .shortAndLong, help: "The queue.")
        var queue: String?

        @Option(name: .long, help: "From 0, served first, to 9.")
        var priority: Int?

        @Option(name: .long, help: "Not before so many seconds have passed.")
        var countdown: Double?

        @Option(name: .long, help: "Not before this time, such as 2026-11-21T01:31:42Z.")
        var eta: String?

        @Option(name: .long, help: "Not after so many seconds have passed.")
        var expires: Double?

        @Option(name: .long, help: "Tasks of one key share its turn and its bound.")
        var key: String?

        @Option(name: .long, help: "A second task with the same one is the first one.")
        var idempotencyKey: String?

        @Option(name: .long, help: "No second task with the same one while this one is not over.")
        var unique: String?

        @Option(name: .long, help: "So often it is tried again.")
        var maxRetries: Int?

        @Option(name: .long, help: "A URL that is told when it is over.")
        var webhook: String?

        @OptionGroup var result: Wait
        @OptionGroup var place: Where

        func run() async throws {
            var order = TaskOrder(target: target)
            order.arguments = arguments
            order.keywordArguments = keywordArguments
            order.body = body
            order.queue = queue
            order.priority = priority
            order.countdown = countdown
            order.eta = eta
            order.expires = expires
            order.key = key
            order.idempotencyKey = idempotencyKey
            order.unique = unique
            order.maxRetries = maxRetries
            order.webhook = webhook
            try await place.tell { [order] tool in try await tool.submit(order, wait: result.wait) }
        }
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Say what became of a task.")
        @Argument(help: "Its id.") var id: String
        @OptionGroup var result: Wait
        @OptionGroup var place: Where

        func run() async throws { try await place.tell { try await $0.get(id, wait: result.wait) } }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Call a task off, or all of a name, state or queue, also where they run already.")
        @Argument(help: "Its id.") var id: String?

        @Option(name: .long, help: "All of this name.")
        var name: String?

        @Option(name: .long, help: "All in this state, such as PENDING or STARTED.")
        var state: String?

        @Option(name: .shortAndLong, help: "All of this queue.")
        var queue: String?

        @Flag(name: .long, help: "Let it end where it runs already.")
        var waitingOnly = false

        @OptionGroup var place: Where

        func validate() throws {
            guard (id == nil) != (name == nil && state == nil && queue == nil) else {
                throw ValidationError("say either an id, or --name, --state or --queue")
            }
        }

        func run() async throws {
            try await place.tell { tool in
                guard let id else {
                    return try await tool.cancel(state: state, name: name, queue: queue, terminate: !waitingOnly)
                }
                return try await tool.cancel(id, terminate: !waitingOnly)
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List tasks, the latest first; of a broker, those that wait.")

        @Option(name: .long, help: "Such as PENDING, STARTED, SUCCESS, FAILURE.")
        var state: String?

        @Option(name: .long, help: "A name, or a part of one.")
        var name: String?

        @Option(name: .shortAndLong, help: "The queue.")
        var queue: String?

        @Option(name: .long, help: "How many at most.")
        var limit = 50

        @OptionGroup var place: Where

        func validate() throws {
            if !(1...500).contains(limit) { throw ValidationError("--limit is no number from 1 to 500") }
        }

        func run() async throws {
            try await place.tell { try await $0.list(state: state, name: name, queue: queue, limit: limit) }
        }
    }

    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put dead letters back on their queue: tasks that every worker died of.")

        @Argument(help: "The queue.") var queue: String
        @Argument(help: "Ids of tasks; without any, all of them.") var ids: [String] = []

        @Option(name: .long, help: "How many at most.")
        var limit: Int?

        @OptionGroup var place: Where

        func run() async throws { try await place.tell { try await $0.replay(queue, ids: ids, limit: limit) } }
    }

    struct Cron: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the tasks that are handed in again and again, or hand one in now.",
            subcommands: [Entries.self, Run.self], defaultSubcommand: Entries.self)

        struct Entries: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "list", abstract: "List them: who leads, when each ran last and when it runs next.")
            @OptionGroup var place: Where

            func run() async throws { try await place.tell { try await $0.cron() } }
        }

        struct Run: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "Hand the task of an entry in now.")
            @Argument(help: "The entry's name.") var name: String
            @OptionGroup var place: Where

            func run() async throws { try await place.tell { try await $0.runCron(name) } }
        }
    }
}
