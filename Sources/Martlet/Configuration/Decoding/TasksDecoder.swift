import MartletLogic
import MartletNet
import MartletTasks

/// Decodes `tasks`.
struct TasksDecoder {
    func tasks(in root: Section) -> TasksConfiguration? {
        guard root.has("tasks") else { return nil }
        var tasks = TasksConfiguration()
        let section = root.section("tasks").section("broker")
        let own = broker(section)
        tasks.broker = .own(own)
        if let item = section.item("redis") {
            let others = ["listen", "store", "sync", "memory", "max_deliveries", "password_file", "tls"]
            for key in others where section.has(key) {
                section.refuse("is of Martlet's own broker, and has no place beside `redis`", at: key)
            }
            if let url = section.redis(item) { tasks.broker = .redis(url) }
        }
        desk(root.section("tasks"), &tasks)
        return tasks
    }

    /// What holds for tasks that are handed in and asked for over HTTP.
    private func desk(_ section: Section, _ tasks: inout TasksConfiguration) {
        tasks.queue = section.queueName("queue") ?? tasks.queue
        tasks.results = section.count("results", in: 0...1_000_000) ?? tasks.results
        tasks.watchesEvents = section.flag("events") ?? tasks.watchesEvents
        tasks.acksAsApp = section.flag("acks_as_app") ?? tasks.acksAsApp
        tasks.history = history(section.section("history"))
        tasks.cron = CronDecoder().tasks(in: section)
        if let webhooks = section.optionalSection("webhooks") {
            let secret = webhooks.secret("secret")
            if let secret, WebhookConfiguration.key(of: secret) == nil {
                webhooks.refuse("begins with `whsec_`, so that base64 must follow", at: "secret")
            }
            tasks.webhooks = WebhookConfiguration(
                secret: secret, allowsPrivateAddresses: webhooks.flag("private") ?? false)
        }
        let scale = section.section("autoscale")
        let least = scale.count("min", in: 0...100_000) ?? tasks.wantedWorkers.lowerBound
        let most = scale.count("max", in: 1...100_000) ?? max(least, tasks.wantedWorkers.upperBound)
        if most < least {
            scale.refuse("is less than `min`", at: "max")
        } else {
            tasks.wantedWorkers = least...most
        }
        tasks.wait = scale.duration("wait") ?? tasks.wait
    }

    private func history(_ section: Section) -> TaskHistoryConfiguration? {
        var history = TaskHistoryConfiguration()
        let isKept = section.flag("keep") ?? true
        history.file = section.text("file")
        history.days = section.count("days", in: 1...3650) ?? history.days
        history.tasks = section.count("tasks", in: 1000...100_000_000) ?? history.tasks
        return isKept ? history : nil
    }

    private func broker(_ section: Section) -> BrokerConfiguration {
        var broker = BrokerConfiguration()
        broker.listen = section.value("listen", "must be ADDRESS:PORT, such as 127.0.0.1:6379") { text in
            guard let address = ListenAddress(text: text), case .tcp = address else { return nil }
            return address
        }
        broker.store = section.text("store") ?? broker.store
        broker.sync = section.choice("sync", BrokerPolicy.Sync.self) ?? broker.sync
        broker.memory = section.size("memory", in: (1 << 20)...(1 << 44)) ?? broker.memory
        broker.maximumDeliveries = section.count("max_deliveries", in: 1...1_000_000) ?? broker.maximumDeliveries
        broker.passwordFile = section.text("password_file")
        broker.tls = SharedDecoder.serverTLS(section, knowsClients: false)
        if let listen = broker.listen, !listen.isLoopback, broker.passwordFile == nil {
            section.refuse("needs a `password_file` to be reachable from other machines", at: "listen")
        }
        return broker
    }
}

extension Section {
    /// What it says may be a password, so no error repeats it.
    func redis(_ item: Section.Item) -> RedisURL? {
        guard let text = item.node.text, let url = try? RedisURL(text) else {
            refuse("must be redis://HOST:PORT/DATABASE, or rediss:// for TLS", at: item)
            return nil
        }
        return url
    }

    /// The name of a task or of a queue.
    func taskName(_ key: String) -> String? {
        value(key, "must be a name of up to 255 characters") { TaskName.isValid($0) ? $0 : nil }
    }

    func queueName(_ key: String) -> String? {
        value(key, "must be a name of up to 255 characters, and none that the broker uses itself") { text in
            TaskName.isValid(text) && TaskName.isQueue(text) ? text : nil
        }
    }
}

/// Decodes `ollama`.
struct OllamaDecoder {
    func ollama(in root: Section, models: [ModelConfiguration]) -> OllamaConfiguration {
        var ollama = OllamaConfiguration()
        guard let section = root.optionalSection("ollama") else { return ollama }
        ollama.serve = section.flag("serve") == false ? .off : .on
        // Which models apps have is known only once they are asked.
        let names = models.contains { $0.name == "*" } ? [] : models.map(\.name)
        for (name, item) in section.named("models") {
            guard let model = section.text(item) else { continue }
            ollama.models[name] = model
            guard !names.isEmpty, !names.contains(model) else { continue }
            section.refuse("no model is called \"\(printable(model.prefix(60)))\"", at: item)
        }
        return ollama
    }
}
