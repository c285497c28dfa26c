extension ConfigurationKeys {
    static let tasks: [ConfigurationKey] =
        [
            ConfigurationKey("tasks", .section, "Queues of work that can wait, as Celery knows them."),
            ConfigurationKey(
                "tasks.broker", .section,
                "Where the queues are: in Martlet's own broker, which Celery uses as if it were Redis, or in a Redis.",
                shorthand: "redis"),
            ConfigurationKey(
                "tasks.broker.redis", .url,
                "In place of all the others: `redis://HOST:PORT/0` of a Redis, `rediss://` for TLS."),
            ConfigurationKey(
                "tasks.broker.listen", .address,
                "`ADDRESS:PORT` of Martlet's own; without it port 6379 of this machine, or 6380 when that is taken."),
            ConfigurationKey("tasks.broker.store", .file, ".martlet/tasks", "The folder of its data."),
            ConfigurationKey(
                "tasks.broker.sync", .word, "before",
                "When a producer is told that its task is in: `before`: once it is on the disk; `after`: at once,"
                    + " and it is on the disk a moment later, as with a Redis."),
            ConfigurationKey(
                "tasks.broker.memory", .size, "1GiB", "The data from which on producers are refused, in memory."),
            ConfigurationKey(
                "tasks.broker.max_deliveries", .count, "10",
                "So often a task is given to workers that die of it; then it is a dead letter."),
            ConfigurationKey(
                "tasks.broker.password_file", .file,
                "A file that holds what clients must say; else `MARTLET_BROKER_PASSWORD`. Needed to be reachable from"
                    + " other machines."),
        ] + serverTLS("tasks.broker.tls", plain: "text", knowsClients: false) + taskDesk + cron

    static let ollama: [ConfigurationKey] = [
        ConfigurationKey(
            "ollama", .section, "What Ollama's clients ask: `/api/chat` and its like.", shorthand: "serve"),
        ConfigurationKey(
            "ollama.serve", .flag,
            "`on`: also where a route of the file serves these paths; `off`: nowhere. Without the section: where"
                + " nothing else does."),
        ConfigurationKey("ollama.models", .names, "What Ollama's clients call models, beside their own names."),
        ConfigurationKey("ollama.models.*", .text, "The name of the model."),
    ]
}
