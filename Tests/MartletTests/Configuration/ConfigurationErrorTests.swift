import Testing

@testable import Martlet

/// What is wrong in a file is told with its line, its key path and what would be right.
@Suite("Every mistake in martlet.yaml is named")
struct ConfigurationErrorTests {
    struct Mistake: Sendable, CustomTestStringConvertible {
        var text: String
        var problems: [String]
        var testDescription: String { problems.first ?? text }

        init(_ text: String, _ problems: String...) {
            self.text = text
            self.problems = problems
        }
    }

    @Test("A mistake gives exactly its errors", arguments: yaml + server + limits + pools + targets + routes + models + backends + workers)
    func mistake(_ mistake: Mistake) {
        #expect(problems(mistake.text) == mistake.problems.map { "martlet.yaml:" + $0 })
    }

    static let yaml = [
        Mistake("pools: [", "2: is not YAML: while parsing a flow node of line 2: did not find expected node content"),
        Mistake(
            "pools:\n\tchat: 1",
            "2: is not YAML: while scanning for the next token of line 2: found character that cannot start any token (YAML indents with spaces, not tabs; @, ` and % need quotes)"),
        Mistake("a: 'x", "1: is not YAML: while scanning a quoted scalar of line 1: found unexpected end of stream"),
        Mistake(onePool + "---\n" + onePool, "4: is not YAML: expected a single document in the stream of line 1: but found another document"),
        Mistake("- a\n", "1: must be a section with keys, not a list"),
        Mistake("hello\n", "1: must be a section with keys, not hello"),
        Mistake("", "1: pools: is missing: without a pool, `workers`, `tasks` or `knowledge` there is nothing to serve"),
        Mistake("# nothing yet\n", "1: pools: is missing: without a pool, `workers`, `tasks` or `knowledge` there is nothing to serve"),
        Mistake(onePool + "threads: 1\nthreads: 2\n", "5: threads: is written twice, first on line 4"),
        Mistake(
            onePool + "limits:\n  body: 1KiB\n  'body': 2KiB\n  keepalive: 1s\n  \"body\": 3KiB\n  keepalive: 2s\n",
            "6: limits.body: is written twice, first on line 5", "8: limits.body: is written twice, first on line 6",
            "9: limits.keepalive: is written twice, first on line 7"),
        Mistake(onePool + "? [a]\n: 1\n", "4: a key must be a word, not a list, a mapping or an alias"),
        Mistake(onePool + "threads: *n\n", "4: threads: `*n` refers to nothing: no `&n` comes before it"),
        Mistake(onePool + "x: &x {y: 1}\n*x : 1\n", "4: x: is not a key", "5: a key must be a word, not a list, a mapping or an alias"),
        Mistake(onePool + "limits: {<<: 5}\n", "4: limits: `<<` must name mappings, not 5"),
        Mistake(onePool + "threads: !!int 4\n", "4: threads: tags such as tag:yaml.org,2002:int are not read here"),
        Mistake(onePool + "threads: \"\u{E000}x\"\n", "4: holds the private character U+e000"),
        Mistake("a: \u{1}\n", "1: is not YAML: control characters are not allowed"),
        Mistake(onePool + "access_log: ${LOG}\n", "4: access_log: the environment variable LOG is not set; set it, or give a default: ${LOG:-...}"),
        Mistake("pools:\n  a:\n    targets: [\"${URL}\"]\n", "3: pools.a.targets[0]: the environment variable URL is not set; set it, or give a default: ${URL:-...}"),
        Mistake(onePool + "access_log: ${LOG\n", "4: access_log: `${` must be followed by a variable's name and `}`; write `$$` for a dollar sign"),
        Mistake(onePool + "access_log: ${LOG-x}\n", "4: access_log: `${` must be followed by a variable's name and `}`; write `$$` for a dollar sign"),
    ]

    static let server = [
        Mistake(onePool + "lisen: 1\n", "4: lisen: is not a key; did you mean `listen`?"),
        Mistake(onePool + "worker_processes: 4\n", "4: worker_processes: is not a key; did you mean `threads`?"),
        Mistake(onePool + "client_max_body_size: 1m\n", "4: client_max_body_size: is not a key; did you mean `limits.body`?"),
        Mistake(onePool + "frobnicate: 4\n", "4: frobnicate: is not a key"),
        Mistake(onePool + "listen: 8080\n", "4: listen[0].address: must be HOST:PORT (0.0.0.0:PORT for every IPv4 address) or unix:/PATH, not 8080"),
        Mistake(onePool + "listen: 0.0.0.0:70000\n", "4: listen[0].address: must be HOST:PORT (0.0.0.0:PORT for every IPv4 address) or unix:/PATH, not \"0.0.0.0:70000\""),
        Mistake(onePool + "listen: []\n", "4: listen: must name at least one address"),
        Mistake(onePool + "listen: {a: 1}\n", "4: listen: must be a list, not a mapping"),
        Mistake(onePool + "listen:\n  - tls: {certificate: a.pem, key: b.pem}\n", "5: listen[0].address: is missing"),
        Mistake(onePool + "listen: [\"a:1\", \"a:1\"]\n", "4: listen: names a:1 twice"),
        Mistake(onePool + "listen:\n  - address: a:1\n    tls: {certificate: a.pem}\n", "6: listen[0].tls.key: is missing"),
        Mistake(onePool + "listen:\n  - address: a:1\n    tls:\n      cert: a.pem\n      key: b.pem\n", "6: listen[0].tls.certificate: is missing", "7: listen[0].tls.cert: is not a key; did you mean `certificate`?"),
        Mistake(onePool + "console: 127.0.0.1:8080\n", "4: console: uses 127.0.0.1:8080, which `listen` has already"),
        Mistake(onePool + "console:\n  address: 0.0.0.0:8081\n", "5: console.address: needs `token` and `tls` to be reachable from other machines"),
        Mistake(onePool + "console:\n  address: 0.0.0.0:8081\n  token: x\n", "5: console.address: needs `token` and `tls` to be reachable from other machines"),
        Mistake(onePool + "console: {address: 0.0.0.0:8081, tls: {certificate: a, key: b}}\n", "4: console.address: needs `token` and `tls` to be reachable from other machines"),
        Mistake(onePool + "console: {token: a b}\n", "4: console.token: must be one word without spaces"),
        Mistake(onePool + "console: {token: }\n", "4: console.token: must be a text that an HTTP header can hold: not empty, no control characters"),
        Mistake(onePool + "console: [a]\n", "4: console: must be a section with keys, not a list"),
        Mistake(onePool + "threads: 0\n", "4: threads: must be at least 1, not 0"),
        Mistake(onePool + "threads: four\n", "4: threads: must be a whole number or `auto`, not four"),
        Mistake(onePool + "threads: 1.5\n", "4: threads: must be a whole number or `auto`, not 1.5"),
        Mistake(onePool + "threads:\n", "4: threads: has no value: must be a whole number or `auto`"),
        Mistake(onePool + "threads: [4]\n", "4: threads: must be a whole number or `auto`, not a list"),
        Mistake(onePool + "trusted_proxies: [10.0.0.0/33]\n", "4: trusted_proxies[0]: must be an address or a block such as 10.0.0.0/8, not 10.0.0.0/33"),
        Mistake(onePool + "trusted_proxies: [localhost]\n", "4: trusted_proxies[0]: must be an address or a block such as 10.0.0.0/8, not localhost"),
        Mistake(onePool + "streaming: {heartbeat: 99ms}\n", "4: streaming.heartbeat: must be at least 100ms, not 99ms"),
        Mistake(onePool + "streaming: 5s\n", "4: streaming: must be a section with keys, not 5s"),
        Mistake(onePool + "access_log: {}\n", "4: access_log: must be a text without control characters, not a mapping"),
    ]

    static let limits = [
        Mistake(onePool + "limits:\n  client_max_body_size: 1m\n", "5: limits.client_max_body_size: is not a key; did you mean `body`?"),
        Mistake(onePool + "limits:\n  body: 16 MB\n", "5: limits.body: must be a size such as 64KiB or 16MiB, not \"16 MB\""),
        Mistake(onePool + "limits:\n  body: 0\n", "5: limits.body: must be at least 1B, not 0"),
        Mistake(onePool + "limits:\n  keepalive: 600\n", "5: limits.keepalive: must be a duration with its unit, such as 250ms, 30s or 10m, not 600"),
        Mistake(onePool + "limits:\n  keepalive: -5s\n", "5: limits.keepalive: must be a duration with its unit, such as 250ms, 30s or 10m, not -5s"),
        Mistake(onePool + "limits:\n  header_timeout: 0s\n", "5: limits.header_timeout: must be at least 1ms, not 0s"),
        Mistake(onePool + "limits:\n  open_files: 3\n", "5: limits.open_files: must be at least 64, not 3"),
        Mistake(onePool + "limits:\n  open_files: maximum\n", "5: limits.open_files: must be a whole number or `max`, not maximum"),
        Mistake(onePool + "limits:\n  keepalive_requests: 99999999999999999999\n", "5: limits.keepalive_requests: must be a whole number or `off`, not 99999999999999999999"),
        Mistake(onePool + "limits:\n  buffered: 10KiB\n", "5: limits.buffered: must be at least 1MiB, not 10KiB"),
    ]

    static let pools = [
        Mistake("pools: {}\n", "1: pools: must hold at least one pool"),
        Mistake("pools:\n", "1: pools: must hold at least one pool"),
        Mistake("pools: [a]\n", "1: pools: must be a mapping of names, not a list"),
        Mistake("pools:\n  chat: {}\n", "2: pools.chat.targets: is missing"),
        Mistake("pools:\n  my chat: {targets: [http://a:1]}\n", "2: pools.\"my chat\": a pool's name must be letters, digits, `-`, `_` and `.`"),
        Mistake(onePool + "    balance: prefix\n", "4: pools.chat.balance: must be least_conn, round_robin, random_two or hash, not prefix"),
        Mistake(onePool + "    balance: leastconn\n", "4: pools.chat.balance: must be least_conn, round_robin, random_two or hash, not leastconn; did you mean `least_conn`?"),
        Mistake(onePool + "    hash: {key: cookie, bound: 0.5}\n", "4: pools.chat.hash.key: must be client, path or header:NAME, not cookie", "4: pools.chat.hash.bound: must be at least 1, not 0.5"),
        Mistake(onePool + "    hash: {key: \"header:a b\"}\n", "4: pools.chat.hash.key: must be client, path or header:NAME, not \"header:a b\""),
        Mistake(onePool + "    timeouts: {first_bite: 1s, idle: 0ms}\n", "4: pools.chat.timeouts.first_bite: is not a key; did you mean `first_byte`?", "4: pools.chat.timeouts.idle: must be at least 1ms, not 0ms"),
        Mistake(onePool + "    timeouts: {proxy_read_timeout: 600s}\n", "4: pools.chat.timeouts.proxy_read_timeout: is not a key; did you mean `idle`?"),
        Mistake(onePool + "    retry: {attempts: 0, budget: 120%, on: [error, 503]}\n", "4: pools.chat.retry.attempts: must be at least 1, not 0", "4: pools.chat.retry.budget: must be at most 1, not 120%", "4: pools.chat.retry.on[1]: must be error, timeout, http_500, http_502, http_503, http_504, http_429, non_idempotent or non_idempotent_when_ejected, not 503"),
        Mistake(onePool + "    queue: {length: -1}\n", "4: pools.chat.queue.length: must be at least 0, not -1"),
        Mistake(onePool + "    health: {path: health}\n", "4: pools.chat.health.path: must be a path such as /health, not health"),
        Mistake(onePool + "    health: {expect: 399-200}\n", "4: pools.chat.health.expect: must be a status such as 200, or a range such as 200-399, not 399-200"),
        Mistake(onePool + "    health: grpc\n", "4: pools.chat.health.type: must be http, tcp or off, not grpc"),
        Mistake(onePool + "    breaker: {failures: 0%}\n", "4: pools.chat.breaker.failures: must be at least 0.01, not 0%"),
        Mistake(onePool + "    breaker: on\n", "4: pools.chat.breaker: must be a section with keys, not on"),
        Mistake(onePool + "    keepalive: {idle: 4}\n", "4: pools.chat.keepalive.idle: must be a duration with its unit, such as 250ms, 30s or 10m, not 4"),
    ]

    static let targets = [
        Mistake("pools:\n  a:\n    targets: []\n", "3: pools.a.targets: must hold at least one target"),
        Mistake("pools:\n  a:\n    targets: http://a:1\n", "3: pools.a.targets: must be a list, not \"http://a:1\""),
        target("{weight: 2}", "4: pools.a.targets[0]: needs a `url` or a `backend`"),
        target("{url: http://a:1, backend: b}", "4: pools.a.targets[0]: has both a `url` and a `backend`"),
        target("{backend: b}", "4: pools.a.targets[0].backend: no backend is called \"b\""),
        target("a:8000", "4: pools.a.targets[0].url: must be http://HOST:PORT or https://HOST:PORT, not \"a:8000\""),
        target("ftp://a:1", "4: pools.a.targets[0].url: must be http://HOST:PORT or https://HOST:PORT, not \"ftp://a:1\""),
        target("http://a:0", "4: pools.a.targets[0].url: must be http://HOST:PORT or https://HOST:PORT, not \"http://a:0\""),
        target("http://a:1/v1", "4: pools.a.targets[0].url: must be http://HOST:PORT or https://HOST:PORT, not \"http://a:1/v1\""),
        target("http://user:secret@a:1", "4: pools.a.targets[0].url: must hold no user or password; an `api_key` or `headers` can"),
        target("{url: http://a:1, weight: 0}", "4: pools.a.targets[0].weight: must be at least 1, not 0"),
        target("{url: http://a:1, weight: heavy}", "4: pools.a.targets[0].weight: must be a whole number, not heavy"),
        target("{url: http://a:1, max_conns: 5}", "4: pools.a.targets[0].max_conns: is not a key; did you mean `max_inflight`?"),
        target("{url: http://a:1, max_fail: 5}", "4: pools.a.targets[0].max_fail: is not a key; did you mean `max_fails`?"),
        target("{url: http://a:1, max_inflight: 0}", "4: pools.a.targets[0].max_inflight: must be at least 1, not 0"),
        target("{url: http://a:1, backup: maybe}", "4: pools.a.targets[0].backup: must be true or false, not maybe"),
        target("{url: http://a:1, backup: true}", "3: pools.a.targets: must hold at least one target that is no backup"),
        target("{url: http://a:1, fail_timeout: 30}", "4: pools.a.targets[0].fail_timeout: must be a duration with its unit, such as 250ms, 30s or 10m, not 30"),
        target("{url: http://a:1, host: $host}", "4: pools.a.targets[0].host: must be target, preserve (nginx's $host) or a host name, not $host"),
        target("{url: http://a:1, tls: {verify: false}}", "4: pools.a.targets[0].tls: needs a `url` that begins with https://"),
        target("{url: http://a:1, api_key: \"sk-1\\r\\nx: y\"}", "4: pools.a.targets[0].api_key: must be a text that an HTTP header can hold: not empty, no control characters"),
        target("{url: http://a:1, headers: {set: {\"x y\": 1}}}", "4: pools.a.targets[0].headers.set.\"x y\": is not the name of a header"),
        target("{url: http://a:1, headers: {set: {x: \"a\\nb\"}}}", "4: pools.a.targets[0].headers.set.x: must be a text that an HTTP header can hold: not empty, no control characters"),
        target("{url: http://a:1, headers: {set: {Host: b}}}", "4: pools.a.targets[0].headers.set.Host: cannot be set: Martlet writes this header itself; `host` says what it is"),
        target("{url: http://a:1, headers: {add: {Content-Length: 5}}}", "4: pools.a.targets[0].headers.add.Content-Length: cannot be set: Martlet writes this header itself"),
        target("{url: http://a:1, headers: {set: {X-A: 1, x-a: 2}}}", "4: pools.a.targets[0].headers.set.x-a: is set twice: the names of headers ignore case"),
        target("{url: http://a:1, headers: {remove: [\"a:\"]}}", "4: pools.a.targets[0].headers.remove[0]: must be the name of a header, not \"a:\""),
        target("[http://a:1]", "4: pools.a.targets[0]: must be a section with keys, not a list"),
    ]

    static func target(_ target: String, _ problem: String) -> Mistake {
        Mistake("pools:\n  a:\n    targets:\n      - \(target)\n", problem)
    }

    static let routes = [
        Mistake(onePool + "routes: []\n", "4: routes: must hold at least one route"),
        Mistake(onePool + "routes:\n  - {pool: chat}\n", "5: routes[0].path: is missing"),
        Mistake(onePool + "routes:\n  - {path: /, pool: chart}\n", "5: routes[0].pool: no pool is called \"chart\"; did you mean `chat`?"),
        Mistake(onePool + "routes:\n  - {path: api, pool: chat}\n", "5: routes[0].path: must be a path that begins with / and holds no ? or #, not api"),
        Mistake(onePool + "routes:\n  - {path: \"/a?b\", pool: chat}\n", "5: routes[0].path: must be a path that begins with / and holds no ? or #, not \"/a?b\""),
        Mistake(onePool + "routes:\n  - {path: /, pool: chat}\n  - {path: /, pool: chat}\n", "6: routes[1]: has the path and host of an earlier route"),
        Mistake(onePool + "routes:\n  - {path: /, pool: chat, server_name: a}\n", "5: routes[0].server_name: is not a key; did you mean `host`?"),
        Mistake(onePool + "routes:\n  - {path: /, pool: chat, host: \"a:80\"}\n", "5: routes[0].host: must be a host name without a port, or *.NAME, not \"a:80\""),
        Mistake(onePool + "routes:\n  - {path: /api/v1/, pool: chat, strip: /v1}\n", "5: routes[0].strip: must be true, false or the beginning of the route's path /api/v1/, not /v1"),
        Mistake(onePool + "routes:\n  - {path: /api/v1/, pool: chat, strip: /ap}\n", "5: routes[0].strip: must be true, false or the beginning of the route's path /api/v1/, not /ap"),
        Mistake(onePool + "routes:\n  - {path: /api/, pool: chat, strip: api}\n", "5: routes[0].strip: must be true, false or the beginning of the route's path, not api"),
        Mistake(onePool + "routes:\n  - {path: /, pool: chat, api: grpc}\n", "5: routes[0].api: must be openai or plain, not grpc"),
        Mistake(onePool + "routes:\n  - {path: /, pool: chat, body: lots, timeouts: {total: 5}}\n", "5: routes[0].body: must be a size such as 64KiB or 16MiB, not lots", "5: routes[0].timeouts.total: must be a duration with its unit, such as 250ms, 30s or 10m, not 5"),
        Mistake("pools:\n  a: {targets: [http://a:1]}\n  b: {targets: [http://b:1]}\n", "1: pools: has several pools: say with `models` or `routes` what goes where"),
        Mistake("pools:\n  a: {targets: [http://a:1]}\n  b: {targets: [http://b:1]}\nroutes:\n  - {path: /v1/}\n", "1: pools: has several pools: say with `models` or `routes` what goes where"),
    ]

    static let models = [
        Mistake(onePool + "models: {}\n", "4: models: must hold at least one model"),
        Mistake(onePool + "models: {a: {}}\n", "4: models.a: needs a `pool`"),
        Mistake(onePool + "models: {a: chart}\n", "4: models.a.pool: no pool is called \"chart\"; did you mean `chat`?"),
        Mistake(onePool + "models: {a: {pool: chat, pools: {chat: 1}}}\n", "4: models.a: has both `pool` and `pools`"),
        Mistake(onePool + "models: {a: {pools: {chat: 0}}}\n", "4: models.a.pools: must hold at least one pool with a weight above 0"),
        Mistake(onePool + "models: {a: {pools: {chart: 1}}}\n", "4: models.a.pools.chart: no pool is called \"chart\"; did you mean `chat`?"),
        Mistake(onePool + "models: {a: {pools: {chat: many}}}\n", "4: models.a.pools.chat: must be a whole number, not many"),
        Mistake(onePool + "models: {a: {pool: chat, fallback: chat}}\n", "4: models.a.fallback: is one of the model's own pools"),
        Mistake(onePool + "models: {\"qwen*\": chat}\n", "4: models.\"qwen*\": only \"*\" alone stands for any model; a name with * in it matches nothing"),
        Mistake(onePool + "models: {qwen3.5: {pool: chat, as: }}\n", "4: models.\"qwen3.5\".as: has no value: must be a text without control characters"),
        Mistake(onePool + "models: [a]\n", "4: models: must be a mapping of names, not a list"),
    ]

    static let backends = [
        backend("{}", "5: backends.b.command: is missing"),
        backend("{command: python server.py}", "5: backends.b.command: must be a list, not \"python server.py\""),
        backend("{command: []}", "5: backends.b.command: must hold a program"),
        backend("{command: [serve]}", "5: backends.b.command: must say `{port}` where the port goes, here or in `environment`"),
        backend("{command: [serve], port: 8000, instances: 2}", "5: backends.b.command: must say `{port}` where the port goes, here or in `environment`"),
        backend("{command: [serve], port: 0}", "5: backends.b.port: must be at least 1, not 0", "5: backends.b.command: must say `{port}` where the port goes, here or in `environment`"),
        backend("{command: [serve, \"{port}\"], port: 65535, instances: 2}", "5: backends.b.port: leaves no ports for 2 instances"),
        backend("{command: [serve, \"{port}\"], env: {A: b}}", "5: backends.b.env: is not a key; did you mean `environment`?"),
        backend("{command: [serve, \"{port}\"], environment: {\"A=\": b}}", "5: backends.b.environment.\"A=\": is not the name of a variable"),
        backend("{command: [serve, \"{port}\"], ready: {within: 1}}", "5: backends.b.ready.within: must be a duration with its unit, such as 250ms, 30s or 10m, not 1"),
        backend("{command: [serve, \"{port}\"], restart: {backoff: 10s, backoff_max: 5s}}", "5: backends.b.restart.backoff_max: must be at least `backoff`, 10s"),
        backend("{command: [serve, \"{port}\"], limits: {address_space: 4}}", "5: backends.b.limits.address_space: must be at least 1MiB, not 4"),
        backend("{command: [serve, \"{port}\"], port: 9000, instances: 3}\n  c: {command: [serve], port: 9002}\n  d: {command: [serve], port: 9003}", "6: backends.c.port: takes a port that backend `b` has already"),
        backend("[serve]", "5: backends.b: must be a section with keys, not a list"),
    ]

    static let workers = [
        worker("{}", "5: workers[0].app: is missing"),
        worker("{app: a.py, command: [a]}", "5: workers[0].app: has no place beside a `command`, which is a worker by itself"),
        worker("{python: p, command: []}", "5: workers[0].command: must hold a program", "5: workers[0].python: has no place beside a `command`, which is a worker by itself"),
        worker("{app: a.py, devices: []}", "5: workers[0].devices: must name a device, such as cpu or cuda:0"),
        worker("{app: a.py, max_batch: 0}", "5: workers[0].max_batch: must be at least 1, not 0"),
        worker("{app: a.py, batch_weight: 0}", "5: workers[0].batch_weight: must be at least 1, not 0"),
        worker("{app: a.py, weight_by: [a]}", "5: workers[0].weight_by: must be a text without control characters, not a list"),
        worker("{app: a.py, batch: 8}", "5: workers[0].batch: is not a key"),
        worker("{app: a.py, path: predict}", "5: workers[0].path: must be a path such as /health, not predict"),
        worker("{app: a.py, kill_after: 5}", "5: workers[0].kill_after: must be a duration with its unit, such as 250ms, 30s or 10m, not 5"),
        worker("{app: a.py, scale: {min: 2}}", "5: workers[0].scale.max: is missing"),
        worker("{app: a.py, scale: {min: 3, max: 2}}", "5: workers[0].scale.max: must be at least `min`, 3"),
        worker("{app: a.py, workers_per_device: 2, scale: {max: 3}}", "5: workers[0].workers_per_device: cannot stand beside `scale`, which says how many workers there are"),
        worker("{app: a.py, recycle: {memory: 10}}", "5: workers[0].recycle.memory: must be at least 1MiB, not 10"),
        worker("{app: a.py, restart: {backoff: 10s, backoff_max: 5s}}", "5: workers[0].restart.backoff_max: must be at least `backoff`, 10s"),
        worker("a.py\n  - {app: a.py}", "6: workers[1].name: is a name that another entry has; give one of them a `name`"),
    ]

    static func worker(_ worker: String, _ problems: String...) -> Mistake {
        var mistake = Mistake(onePool + "workers:\n  - \(worker)\n")
        mistake.problems = problems
        return mistake
    }

    static func backend(_ backend: String, _ problems: String...) -> Mistake {
        var mistake = Mistake(onePool + "backends:\n  b: \(backend)\n")
        mistake.problems = problems
        return mistake
    }
}
