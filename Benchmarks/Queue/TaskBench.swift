import Glibc
import Logging
import MartletNet
import MartletTasks
import NIOCore
import NIOPosix

/// What Martlet's own producer and worker do with a broker, embedded or Redis: tasks that do nothing, sent, run and
/// acknowledged with their results. Prints JSON; `Benchmarks/tasks/own_side.py` runs it.
///
/// ```
/// task-bench rate URL COUNT BATCH     tasks for each second, from the first that is sent to the last result, sent
///                                     BATCH at a time by producers that each wait for their answer
/// task-bench latency URL COUNT        one task after the other: until it starts, and until its sender has the result
/// ```
@main struct TaskBench {
    static func main() async {
        let words = CommandLine.arguments
        guard words.count >= 4, let count = Int(words[3]), count > 0 else { usage() }
        var logger = Logger(label: "task-bench") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        do {
            let stage = try Stage(url: RedisURL(words[2]), logger: logger)
            switch (words[1], words.count > 4 ? Int(words[4]) : nil) {
            case ("rate", let batch?): print(try await Rate(stage, count: count, batch: max(1, batch)).measure())
            case ("latency", nil): print(try await Latency(stage, count: count).measure())
            default: usage()
            }
            try await stage.end()
        } catch {
            logger.error("no figures", metadata: ["error": "\(error)"])
            exit(1)
        }
    }

    private static func usage() -> Never {
        print("usage: task-bench rate URL COUNT BATCH | latency URL COUNT")
        exit(64)
    }
}
