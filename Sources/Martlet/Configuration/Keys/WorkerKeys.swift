extension ConfigurationKeys {
    static let workers: [ConfigurationKey] = [
        ConfigurationKey("workers", .list, "Files with models that Martlet serves in processes of its own."),
        ConfigurationKey(
            "workers[]", .section,
            "One file. What it says of itself holds where this says nothing.", shorthand: "app"),
        ConfigurationKey(
            "workers[].app", .text, "The file, such as `model.py`, or `MODULE:NAME`. Required, or a `command`."),
        ConfigurationKey(
            "workers[].command", .list,
            "A program that speaks the worker protocol itself, with its arguments, in place of `app` and `python`."),
        ConfigurationKey("workers[].name", .text, "Its name in logs and metrics, if not that of `app`."),
        ConfigurationKey(
            "workers[].python", .file, "python3",
            "The interpreter, such as that of a virtual environment."),
        ConfigurationKey("workers[].path", .text, "Where the API is served, if not where the file says."),
        ConfigurationKey(
            "workers[].devices", .list,
            "What the workers run on, such as `cpu` or `cuda:0`, if not what the file says."),
        ConfigurationKey(
            "workers[].workers_per_device", .count,
            "Processes for each of them, if not as many as the file says."),
        ConfigurationKey("workers[].environment", .names, "Variables on top of Martlet's own."),
        ConfigurationKey("workers[].environment.*", .text, "The value."),
        ConfigurationKey("workers[].directory", .file, "The working directory, if not Martlet's own."),
        ConfigurationKey(
            "workers[].user", .text, "Whom the processes run as, if not as Martlet does; only root can say so."),
        ConfigurationKey("workers[].limits", .section, "Limits of each process."),
        ConfigurationKey("workers[].limits.address_space", .size, "off", "The most address space; `off`: no limit."),
        ConfigurationKey(
            "workers[].limits.open_files", .count, "off",
            "The most open files; `off`: Martlet's own limit."),
        ConfigurationKey(
            "workers[].limits.cpu", .duration, "off",
            "The most processor time in its whole life; `off`: no limit."),
        ConfigurationKey(
            "workers[].recycle", .section,
            "When a process that serves is replaced; the new one is ready before it ends what it has."),
        ConfigurationKey(
            "workers[].recycle.descriptors", .flag, "true",
            "When it leaks file descriptors: it keeps more of them with each stretch of requests."),
        ConfigurationKey(
            "workers[].recycle.memory", .size, "off", "When it has more resident memory; `off`: whatever it has."),
        ConfigurationKey(
            "workers[].recycle.requests", .count, "off", "After so many requests; `off`: after any number."),
        ConfigurationKey("workers[].scale", .section, "How many workers there are, where that changes with the load."),
        ConfigurationKey(
            "workers[].scale.min", .count, "1",
            "Never fewer. `0`: none until somebody asks; the first request starts one and waits for it."),
        ConfigurationKey("workers[].scale.max", .count, "Never more. Required."),
        ConfigurationKey(
            "workers[].scale.wait", .duration, "1s",
            "When requests would wait for longer, at the pace of the last second, …"),
        ConfigurationKey(
            "workers[].scale.sustained", .duration, "3s", "… for so long without a break, there is one worker more."),
        ConfigurationKey(
            "workers[].scale.idle", .duration, "300s",
            "When for so long nobody waited and a worker had nothing to do, there is one fewer; the last one goes"
                + " (`min: 0`) when nothing at all was asked for so long."),
        ConfigurationKey("workers[].scale.cooldown", .duration, "10s", "At least, between two changes."),
        ConfigurationKey("workers[].max_batch", .count, "Requests in one batch, if not as many as the file says."),
        ConfigurationKey(
            "workers[].batch_window", .duration,
            "How long the first waits for others while every worker is busy, if not as the file says."),
        ConfigurationKey(
            "workers[].batch_bytes", .size, "16MiB",
            "Bytes of bodies in one batch; a single request may have more."),
        ConfigurationKey(
            "workers[].batch_weight", .count,
            "What the requests of one batch may weigh together, if not what the file says; a single request may weigh"
                + " more, and is alone then. Wants a `weight_by` and batches, here or in the file."),
        ConfigurationKey(
            "workers[].weight_by", .text,
            "The member of the JSON body that says what a request weighs, if not the one that the file names: a number"
                + " itself, a list its elements, a string its characters. A request without it weighs 1. An object that"
                + " is not sound is alone in its batch, and so is one of more than 1 MiB of which no such member ends"
                + " within the first MiB. Wants a `batch_weight`, here or in the file."),
        ConfigurationKey(
            "workers[].shared_memory", .size, "64MiB",
            "Memory for bodies above 64 KiB to each worker, and as much from it; `off`: they go through its socket."),
        ConfigurationKey(
            "workers[].timeout", .duration,
            "How long an answer may take to begin once it is the request's turn, if not ten minutes; then 504."),
        ConfigurationKey(
            "workers[].kill_after", .duration, "300s",
            "How long a worker may go on with what nobody wants before it is replaced; `off`: as long as it likes."),
        ConfigurationKey(
            "workers[].objective", .duration, "off",
            "A request that would not be over within this is refused before it is computed; `off`: none is."),
        ConfigurationKey(
            "workers[].mcp", .flag, "true",
            "Whether its APIs are tools for assistants, at `/mcp`."),
        ConfigurationKey("workers[].queue", .section, "Requests that wait while every worker is busy."),
        ConfigurationKey("workers[].queue.length", .count, "1000", "How many may wait; `0`: none."),
        ConfigurationKey("workers[].queue.bytes", .size, "64MiB", "How much of their bodies they may hold."),
        ConfigurationKey("workers[].ready", .section, "When a process counts as able to serve."),
        ConfigurationKey(
            "workers[].ready.within", .duration, "60s",
            "A process that takes longer to load is replaced."),
        ConfigurationKey("workers[].ready.interval", .duration, "5s", "Between two checks once it serves."),
        ConfigurationKey(
            "workers[].ready.unhealthy", .count, "3",
            "Unanswered checks in a row after which it is replaced, while it has nothing that is in time."),
        ConfigurationKey("workers[].restart", .section, "How a process that ended is started again."),
        ConfigurationKey(
            "workers[].restart.backoff", .duration, "1s",
            "The first wait after an exit; each further one doubles it."),
        ConfigurationKey("workers[].restart.backoff_max", .duration, "30s", "The longest wait."),
        ConfigurationKey("workers[].restart.exits", .count, "5", "So many exits within `window` slow restarts down."),
        ConfigurationKey("workers[].restart.window", .duration, "60s", "See `exits`."),
        ConfigurationKey("workers[].restart.slow", .duration, "60s", "The wait between starts while slowed down."),
        ConfigurationKey(
            "workers[].restart.stable", .duration, "1s",
            "What served for so long is started again at once, ten times within `window`."),
        ConfigurationKey(
            "workers[].grace", .duration, "10s",
            "How long one that is stopped may take to end what it has and itself; then SIGKILL."),
    ]
}
