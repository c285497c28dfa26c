extension ConfigurationKeys {
    /// What holds for tasks that are handed in and asked for over HTTP.
    static let taskDesk: [ConfigurationKey] = [
        ConfigurationKey(
            "tasks.queue", .text, "celery", "Where tasks go that are handed in over HTTP and name no queue."),
        ConfigurationKey(
            "tasks.results", .count, "0",
            "The database of the broker in which results are: that of Celery's `result_backend`."),
        ConfigurationKey(
            "tasks.events", .flag, "true", "Ask workers to tell what they do, for lists of tasks and for the console."),
        ConfigurationKey(
            "tasks.acks_as_app", .flag, "false",
            "Tasks of a Celery app that `martlet worker --config` runs are acknowledged when the app says: before they"
                + " run, unless `acks_late` is on. As `--acks-as-app`."),
        ConfigurationKey(
            "tasks.history", .section,
            "What became of tasks is kept in a file, to be searched later; `history: off`: in memory only, the latest"
                + " 10,000.",
            shorthand: "keep"),
        ConfigurationKey("tasks.history.keep", .flag, "true", "Keep it."),
        ConfigurationKey(
            "tasks.history.file", .file,
            "Where, in SQLite. Without it `history.sqlite` in the folder of the broker's data, or in `.martlet/tasks`"
                + " where the broker is a Redis."),
        ConfigurationKey("tasks.history.days", .count, "7", "For how long after a task's last change."),
        ConfigurationKey("tasks.history.tasks", .count, "1000000", "How many tasks at most, the latest ones."),
        ConfigurationKey(
            "tasks.webhooks", .section,
            "Who hands a task in may name a URL that is told its end; without the section nobody may."),
        ConfigurationKey(
            "tasks.webhooks.secret", .secret,
            "What signs it (HMAC-SHA256), so that the receiver knows who tells it: a text, or `whsec_` and base64."),
        ConfigurationKey(
            "tasks.webhooks.private", .flag, "false",
            "Also addresses of this machine and of private networks may be told."),
        ConfigurationKey("tasks.autoscale", .section, "What `/autoscale` answers to whoever starts and stops workers."),
        ConfigurationKey("tasks.autoscale.min", .count, "0", "Workers that are wanted in any case."),
        ConfigurationKey("tasks.autoscale.max", .count, "100", "Workers that are wanted at most."),
        ConfigurationKey(
            "tasks.autoscale.wait", .duration, "10s", "How long a task may wait: fewer workers are wanted the longer."),
    ]
}
