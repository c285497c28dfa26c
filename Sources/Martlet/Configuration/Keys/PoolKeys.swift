extension ConfigurationKeys {
    static let pools: [ConfigurationKey] =
        [
            ConfigurationKey("pools", .names, "Groups of targets that serve the same. Required."),
            ConfigurationKey("pools.*", .section, "One pool, under a name of your choice."),
            ConfigurationKey(
                "pools.*.balance", .word, "least_conn",
                "`least_conn` (nginx's, weighted), `round_robin`, `random_two` or `hash`."),
            ConfigurationKey("pools.*.hash", .section, "For `balance: hash`."),
            ConfigurationKey(
                "pools.*.hash.key", .word, "client",
                "What is hashed: `client` (the address), `path` or `header:NAME`."),
            ConfigurationKey(
                "pools.*.hash.bound", .ratio, "1.25", "No target takes more than this many times the mean load."),
            ConfigurationKey(
                "pools.*.limit", .word, "fixed",
                "`fixed`: a target holds up to `max_inflight`; `adaptive`: as many of them as begin to answer in good "
                    + "time."),
        ] + timeouts("pools.*.timeouts", standards: ["2s", "30s", "600s", "600s", "3600s"])
        + retry("pools.*.retry", standards: ["2", "20%", "error timeout"]) + [
            ConfigurationKey("pools.*.queue", .section, "Requests that wait while every target is busy."),
            ConfigurationKey("pools.*.queue.length", .count, "1000", "How many may wait; `0`: none."),
            ConfigurationKey("pools.*.queue.bytes", .size, "64MiB", "How much of their bodies they may hold."),
            ConfigurationKey(
                "pools.*.health", .section, "Active checks of each target; `off`: none.", shorthand: "type"),
            ConfigurationKey("pools.*.health.type", .word, "http", "`http`, `tcp` or `off`."),
            ConfigurationKey("pools.*.health.path", .text, "/health", "What an `http` check asks for."),
            ConfigurationKey(
                "pools.*.health.expect", .word, "200-399", "The status that passes: `200`, or a range."),
            ConfigurationKey("pools.*.health.interval", .duration, "5s", "Between two checks of a target that is up."),
            ConfigurationKey("pools.*.health.timeout", .duration, "2s", "How long one check may take."),
            ConfigurationKey(
                "pools.*.health.healthy", .count, "1", "Passing checks in a row that bring a target back."),
            ConfigurationKey(
                "pools.*.health.unhealthy", .count, "2", "Failing checks in a row that take a target out."),
            ConfigurationKey(
                "pools.*.breaker", .section, "Takes out a target that fails too often; `off`: never."),
            ConfigurationKey("pools.*.breaker.failures", .ratio, "50%", "The share of failures that opens it."),
            ConfigurationKey("pools.*.breaker.window", .duration, "10s", "Over which failures are counted."),
            ConfigurationKey(
                "pools.*.breaker.minimum", .count, "20", "Requests in the window below which it never opens."),
            ConfigurationKey("pools.*.breaker.open", .duration, "30s", "How long it stays open before one probe."),
            ConfigurationKey("pools.*.keepalive", .section, "Connections to targets that wait for the next request."),
            ConfigurationKey(
                "pools.*.keepalive.idle", .duration, "4s",
                "Closed after this long unused; keep it below the servers' own timeout."),
            ConfigurationKey(
                "pools.*.keepalive.connections", .count, "1024", "Idle ones kept for the pool; `0`: none."),
        ]

    static let targets: [ConfigurationKey] =
        [
            ConfigurationKey("pools.*.targets", .list, "Where requests go. Required."),
            ConfigurationKey("pools.*.targets[]", .section, "One server, or one managed backend.", shorthand: "url"),
            ConfigurationKey(
                "pools.*.targets[].url", .url,
                "`http://HOST:PORT` or `https://HOST:PORT`; a name stands for all its addresses."),
            ConfigurationKey("pools.*.targets[].backend", .text, "In place of `url`: a name of `backends`."),
            ConfigurationKey("pools.*.targets[].weight", .count, "1", "Its share of the work against the others'."),
            ConfigurationKey(
                "pools.*.targets[].max_fails", .count, "1",
                "Failures within `fail_timeout` that take it out for `fail_timeout`; `0`: never."),
            ConfigurationKey("pools.*.targets[].fail_timeout", .duration, "10s", "See `max_fails`."),
            ConfigurationKey("pools.*.targets[].backup", .flag, "false", "Used only while no other target can be."),
            ConfigurationKey(
                "pools.*.targets[].max_inflight", .count, "off",
                "Requests it may hold at one time (nginx's `max_conns`); `off`: no limit."),
            ConfigurationKey(
                "pools.*.targets[].slow_start", .duration, "0s",
                "How long its share grows from a tenth to the whole after it came back."),
            ConfigurationKey(
                "pools.*.targets[].api_key", .secret, "Sent as `Authorization: Bearer KEY` in place of the client's."),
            ConfigurationKey(
                "pools.*.targets[].host", .word, "target",
                "The `Host` it sees: `target` (of its own URL), `preserve` (the client's, nginx's `$host`) or a name."),
            ConfigurationKey("pools.*.targets[].version", .text, "A label on its metrics."),
            ConfigurationKey("pools.*.targets[].tls", .section, "For `https://`."),
            ConfigurationKey(
                "pools.*.targets[].tls.verify", .flag, "true", "Whether its certificate and name are checked."),
            ConfigurationKey(
                "pools.*.targets[].tls.ca", .file, "PEM file of authorities to trust in place of the system's."),
            ConfigurationKey(
                "pools.*.targets[].tls.server_name", .text, "The name to ask for and to check, if not the URL's host."),
        ] + headers("pools.*.targets[].headers", "Changes to the request before it is sent.")

    static func timeouts(_ path: String, standards: [String]?) -> [ConfigurationKey] {
        let meanings = [
            ("connect", "For the connection to a target; then 502, or another target."),
            ("queue", "For a place on a target; then 503."),
            ("first_byte", "From the request sent to the first byte of the answer; then 504."),
            ("idle", "Between two bytes of the answer (nginx's `proxy_read_timeout`)."),
            ("total", "For the whole request."),
        ]
        let section = standards == nil ? "In place of the pool's, one by one." : "How long a request may take."
        return [ConfigurationKey(path, .section, section)]
            + meanings.enumerated().map { index, key in
                ConfigurationKey("\(path).\(key.0)", .duration, standards?[index] ?? "", key.1)
            }
    }

    static func retry(_ path: String, standards: [String]?) -> [ConfigurationKey] {
        [
            ConfigurationKey(
                path, .section,
                standards == nil
                    ? "In place of the pool's, one by one."
                    : "Another target first; never after bytes reached the client."),
            ConfigurationKey("\(path).attempts", .count, standards?[0] ?? "", "Attempts in all, the first included."),
            ConfigurationKey(
                "\(path).budget", .ratio, standards?[1] ?? "",
                "Retries at one time, as a share of the requests in flight (never fewer than 3)."),
            ConfigurationKey(
                "\(path).on", .word, standards?[2] ?? "",
                "What is tried again, as nginx's `proxy_next_upstream`: `error`, `timeout`, `http_500`, `http_502`, "
                    + "`http_503`, `http_504`, `http_429`, `non_idempotent`, `non_idempotent_when_ejected`; or `off`."),
        ]
    }

    static func headers(_ path: String, _ meaning: String) -> [ConfigurationKey] {
        [
            ConfigurationKey(path, .section, meaning),
            ConfigurationKey("\(path).remove", .list, "Names of headers to take away, before anything is put in."),
            ConfigurationKey("\(path).set", .names, "Headers that replace all of the same name."),
            ConfigurationKey("\(path).set.*", .secret, "The value."),
            ConfigurationKey("\(path).add", .names, "Headers that come on top of those there are."),
            ConfigurationKey("\(path).add.*", .secret, "The value."),
        ]
    }
}
