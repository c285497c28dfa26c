package import Logging
import MartletBase
import MartletLogic
package import MartletNet
package import MartletWire
package import NIOCore
import Synchronization

/// A client of the broker, embedded or a Redis server: takes messages, ends them, publishes, stores results.
///
/// All that concerns messages goes over one connection, on which calls of many tasks at once are sent together; the
/// embedded broker gives back what was taken on a connection when that ends. A lost connection is made again by whoever
/// needs it. No call hangs: during an outage it waits a little and then throws what stands in the way (`MartletError`,
/// `RedisError`), and so it does when a reply is overdue. A call that throws may have been carried out.
///
/// Keys are given and told without what stands before all keys (`prefix`, Celery's `global_keyprefix`).
package final class TaskBroker: Sendable {
    package let url: RedisURL
    package let times: TaskBrokerTimes
    let loop: any EventLoop
    let logger: Logger
    let prefix: String
    /// The keys of each script.
    let scriptKeys: [String]
    /// Their texts, which each connection is told first.
    private let scripts: [String]
    private let link: BrokerLink
    let watcher: ListWatcher
    private let declared: DeclaredQueues
    /// The connections that listen; nil: closed.
    let listeners = Mutex<[ObjectIdentifier: RedisConnection]?>([:])

    /// - Parameters:
    ///   - group: its next loop has all connections.
    ///   - prefix: what stands before all keys and channels.
    ///   - scripts: what another version has in place of ours, for tests.
    package init(
        _ url: RedisURL, on group: any EventLoopGroup, logger: Logger, prefix: String = "",
        times: TaskBrokerTimes = TaskBrokerTimes(), scripts: [String] = OwnScript.allCases.map(\.text)
    ) {
        let loop = group.next()
        self.url = url
        self.times = times
        self.loop = loop
        self.logger = logger
        self.prefix = prefix
        scriptKeys = OwnScript.keys(prefix: prefix)
        self.scripts = scripts
        let declared = DeclaredQueues()
        self.declared = declared
        link = BrokerLink(url, on: loop, times: times, logger: logger) { connection in
            declared.forgetAll()
            try await Self.load(scripts, on: connection)
        }
        watcher = ListWatcher(times: times, logger: logger) {
            BrokerLink(url, on: loop, times: times, logger: logger)
        }
    }

    /// Ends all connections. What was taken and not ended goes back.
    package func close() async {
        link.close()
        watcher.close()
        let listening = listeners.withLock { listeners in
            defer { listeners = nil }
            return listeners ?? [:]
        }
        for connection in listening.values { connection.close() }
    }

    /// A key or channel with what stands before all of them, as `run` needs it.
    package func keyed(_ key: String) -> String { prefix + key }

    // MARK: Anything

    /// The replies to commands that are sent together, in their order; error replies are values like others. Words are
    /// sent as they are.
    package func run(_ commands: [[ByteBuffer]]) async throws -> [RESPValue] {
        var pipeline = RedisPipeline()
        for command in commands { pipeline.append(command) }
        return try await run(pipeline)
    }

    func run(_ pipeline: RedisPipeline) async throws -> [RESPValue] {
        guard pipeline.count > 0 else { return [] }
        return try await link.connection().run(pipeline)
    }

    /// The reply to the last of some commands, none of which may have been refused.
    @discardableResult
    func last(of pipeline: RedisPipeline) async throws -> RESPValue {
        var last = RESPValue.null
        for reply in try await run(pipeline) {
            if case .error(let text) = reply { throw RedisError(reply: text) }
            last = reply
        }
        return last
    }

    /// Begins a call of a script; so many arguments have to follow.
    func begin(_ script: OwnScript, lists: [String] = [], arguments: Int, in pipeline: inout RedisPipeline) {
        let keys = scriptKeys + lists
        pipeline.command("EVALSHA", words: 2 + keys.count + arguments)
        pipeline.word(script.sha1.text)
        pipeline.word(Int64(keys.count))
        for key in keys { pipeline.word(key) }
    }

    /// The last reply to commands that end with a script. Scripts that the server forgot are told once more: it refused
    /// the whole of it.
    func lastOfScript(_ pipeline: RedisPipeline) async throws -> RESPValue {
        do {
            return try await last(of: pipeline)
        } catch let error as RedisError where error.code == "NOSCRIPT" {
            try await Self.load(scripts, on: link.connection())
            return try await last(of: pipeline)
        }
    }

    private static func load(_ scripts: [String], on connection: RedisConnection) async throws {
        var pipeline = RedisPipeline()
        for script in scripts { pipeline.append(["SCRIPT", "LOAD", script]) }
        for reply in try await connection.run(pipeline) {
            if case .error(let text) = reply { throw RedisError(reply: text) }
        }
    }

    // MARK: Results

    /// A task's state as it is stored; nil: none is.
    package func result(of id: String) async throws -> ByteBuffer? {
        var pipeline = RedisPipeline()
        pipeline.append(["GET", prefix + "celery-task-meta-" + id])
        guard case .bulk(let json) = try await last(of: pipeline) else { return nil }
        return json
    }

    // MARK: Publishing

    /// How many messages one command pushes, and how many bytes of them.
    private static let pushedAtOnce = 256
    private static let pushedBytes = 1 << 20

    /// Puts messages into their lists, in their order. Throws the first refusal; others may be in their lists then.
    package func publish(_ messages: [OutgoingMessage]) async throws {
        var pipeline = RedisPipeline()
        declare(Set(messages.map(\.queue)), in: &pipeline)
        push(messages, in: &pipeline)
        try await last(of: pipeline)
    }

    /// As ``publish(_:)``, unless that was done before by the same name: for whom the answer may have been lost.
    ///
    /// - Parameters:
    ///   - trace: The key by which it is known that it was done, kept for ten minutes.
    ///   - mayBeDone: Whether that has to be looked at.
    func publish(_ messages: [OutgoingMessage], leaving trace: String, mayBeDone: Bool) async throws {
        let key = prefix + trace
        if mayBeDone {
            var look = RedisPipeline()
            look.append(["EXISTS", key])
            if try await last(of: look) == .integer(1) { return }
        }
        var pipeline = RedisPipeline()
        declare(Set(messages.map(\.queue)), in: &pipeline)
        pipeline.append(["MULTI"])
        push(messages, in: &pipeline)
        pipeline.append(["SETEX", key, "600", "1"])
        pipeline.append(["EXEC"])
        _ = try await last(of: pipeline).elements.accepted()
    }

    private func push(_ messages: [OutgoingMessage], in pipeline: inout RedisPipeline) {
        var rest = messages[...]
        while let first = rest.first {
            var bytes = 0
            let together = rest.prefix(Self.pushedAtOnce).prefix { message in
                defer { bytes += message.message.readableBytes }
                return message.key == first.key && bytes < Self.pushedBytes
            }
            rest = rest.dropFirst(together.count)
            pipeline.command("LPUSH", words: 1 + together.count)
            pipeline.word(prefix + first.key)
            for message in together { pipeline.word(message.message) }
        }
    }

    /// Makes queues known as kombu does, so that its clients find them; each once on a connection.
    func declare(_ queues: Set<String>, in pipeline: inout RedisPipeline) {
        for queue in declared.new(of: queues) {
            pipeline.append(["SADD", prefix + QueueBinding.key(queue), QueueBinding.member(queue)])
        }
    }
}

/// The queues that were made known on the present connection.
private final class DeclaredQueues: Sendable {
    private static let limit = 4096

    private let names = Mutex<Set<String>>([])

    func forgetAll() { names.withLock { $0 = [] } }

    /// Those that were not, which are now.
    func new(of queues: Set<String>) -> Set<String> {
        names.withLock { names in
            let new = queues.subtracting(names)
            if names.count > Self.limit { names = [] }
            names.formUnion(new)
            return new
        }
    }
}

extension StoredResult {
    /// How long it is kept; 0: for ever.
    var seconds: Int64 { expires.components.seconds }
}
