extension ConfigurationKeys {
    static let models: [ConfigurationKey] = [
        ConfigurationKey("models", .names, "Where the model API sends a request, by the `model` in its body."),
        ConfigurationKey(
            "models.*", .section, "One model, as clients name it; `\"*\"`: any that has no entry.", shorthand: "pool"),
        ConfigurationKey("models.*.pool", .text, "The pool that serves it."),
        ConfigurationKey("models.*.pools", .names, "In place of `pool`: several pools that share it."),
        ConfigurationKey("models.*.pools.*", .count, "The pool's weight against the others'."),
        ConfigurationKey("models.*.as", .text, "The name sent upstream, if not the client's."),
        ConfigurationKey("models.*.fallback", .text, "The pool that takes over while the others cannot."),
    ]

    static let routes: [ConfigurationKey] =
        [
            ConfigurationKey("routes", .list, "Where requests go by their path; the longest prefix that matches wins."),
            ConfigurationKey("routes[]", .section, "One route."),
            ConfigurationKey("routes[].path", .text, "The prefix, from its first `/`. Required."),
            ConfigurationKey("routes[].host", .text, "Only requests for this host name; `*.NAME`: any below it."),
            ConfigurationKey("routes[].pool", .text, "The pool; without it the route is the model API (see `models`)."),
            ConfigurationKey(
                "routes[].strip", .text, "false",
                "`true`: the route's path is taken off before the request goes upstream; or the part of it to take off."
            ),
            ConfigurationKey("routes[].host_header", .word, "In place of the target's `host`."),
            ConfigurationKey(
                "routes[].priority", .word, "interactive",
                "The class of its requests where they have to wait: `interactive`, `batch` or `background`; "
                    + "`x-request-priority` can only lower it."),
            ConfigurationKey("routes[].body", .size, "The largest request body, if not `limits.body`."),
            ConfigurationKey(
                "routes[].access_log", .flag, "true", "Whether its requests leave a line in the access log."),
            ConfigurationKey(
                "routes[].cache", .section, "Replies that are given again, where the pool is of Langchain-Chatchat.",
                shorthand: "chatchat"),
            ConfigurationKey(
                "routes[].cache.chatchat", .flag, "false",
                "What `/chat/kb_chat` replied is given again for the same body and key of the client, until a write to"
                    + " its base passes through."),
            ConfigurationKey("routes[].cache.ttl", .duration, "10m", "For how long at most."),
            ConfigurationKey("routes[].cache.memory", .size, "64MiB", "How much of them is kept."),
            ConfigurationKey(
                "routes[].api", .word,
                "The shape of Martlet's own errors: `openai` (what the model API uses) or `plain` (what others use)."),
        ] + headers("routes[].headers", "Changes to the request, before those of the target.")
        + headers("routes[].response_headers", "Changes to the answer.")
        + timeouts("routes[].timeouts", standards: nil) + retry("routes[].retry", standards: nil)

    static let backends: [ConfigurationKey] = [
        ConfigurationKey("backends", .names, "Processes that Martlet runs itself; a target names one as `backend`."),
        ConfigurationKey("backends.*", .section, "One backend, under a name of your choice."),
        ConfigurationKey(
            "backends.*.command", .command,
            "The program and its arguments, as a list; `{port}` becomes the port. Required."),
        ConfigurationKey("backends.*.environment", .names, "Variables on top of Martlet's own."),
        ConfigurationKey("backends.*.environment.*", .text, "The value; `{port}` becomes the port."),
        ConfigurationKey("backends.*.directory", .file, "The working directory, if not Martlet's own."),
        ConfigurationKey(
            "backends.*.user", .text, "Whom the processes run as, if not as Martlet does; only root can say so."),
        ConfigurationKey("backends.*.instances", .count, "1", "How many processes run the command."),
        ConfigurationKey(
            "backends.*.port", .count, "auto",
            "The first instance's port, the next ones count up; `auto`: free ones, anew for each start."),
        ConfigurationKey("backends.*.ready", .section, "When a process counts as able to serve."),
        ConfigurationKey("backends.*.ready.path", .text, "/health", "Where a 2xx answer says so."),
        ConfigurationKey("backends.*.ready.within", .duration, "60s", "A process that takes longer is replaced."),
        ConfigurationKey("backends.*.ready.interval", .duration, "5s", "Between two checks once it serves."),
        ConfigurationKey("backends.*.ready.timeout", .duration, "2s", "How long one check may take."),
        ConfigurationKey(
            "backends.*.ready.unhealthy", .count, "3", "Failing checks in a row after which it is replaced."),
        ConfigurationKey("backends.*.limits", .section, "Limits of each process."),
        ConfigurationKey("backends.*.limits.address_space", .size, "off", "The most address space; `off`: no limit."),
        ConfigurationKey(
            "backends.*.limits.open_files", .count, "off", "The most open files; `off`: Martlet's own limit."),
        ConfigurationKey("backends.*.restart", .section, "How a process that ended is started again."),
        ConfigurationKey(
            "backends.*.restart.backoff", .duration, "1s",
            "The first wait after an exit; each further one doubles it."),
        ConfigurationKey("backends.*.restart.backoff_max", .duration, "30s", "The longest wait."),
        ConfigurationKey("backends.*.restart.exits", .count, "5", "So many exits within `window` slow restarts down."),
        ConfigurationKey("backends.*.restart.window", .duration, "60s", "See `exits`."),
        ConfigurationKey("backends.*.restart.slow", .duration, "60s", "The wait between starts while slowed down."),
        ConfigurationKey(
            "backends.*.restart.stable", .duration, "1s",
            "What served for so long is started again at once, ten times within `window`."),
        ConfigurationKey("backends.*.grace", .duration, "10s", "Between SIGTERM and SIGKILL when it is stopped."),
    ]
}
