import MartletBase
import MartletLogic
import MartletNet
import MartletWorkers
import Testing

@testable import Martlet

@Suite("What a file means")
struct ConfigurationExampleTests {
    /// The example that the project was designed with.
    static let designPage = """
        listen:                      # public
          - address: 127.0.0.1:8080  # tls: {certificate: …, key: …, client_ca: …}
        console:                     # admin API, web page, /metrics; loopback unless TLS and a token are set
          address: 127.0.0.1:8081
        limits:
          open_files: max            # raise the soft limit to the hard one (or to a number)
          body: 16MiB
        pools:
          chat:
            balance: least_conn      # least_conn (weighted) | round_robin | random_two | hash | prefix
            hash: {key: header:x-session-id, bound: 1.25}      # for hash and prefix
            timeouts: {connect: 2s, queue: 30s, first_byte: 600s, idle: 600s, total: 3600s}
            retry: {attempts: 2, budget: 20%}                  # other target first; never after a byte of an answer
            queue: {length: 1000}
            health: {path: /health, interval: 5s, timeout: 2s, healthy: 1, unhealthy: 2}
            breaker: {failures: 50%, window: 10s, minimum: 20, open: 30s}
            targets:
              - {url: http://10.0.0.10:8080, weight: 3, max_fails: 2, fail_timeout: 30s, max_inflight: 64}
              - {url: http://10.0.0.11:8080, weight: 3, max_fails: 2, fail_timeout: 30s}
              - {url: http://10.0.0.12:8080, backup: true}
          local:
            targets:
              - {backend: smollm2, max_inflight: 4}
        models:                      # OpenAI-compatible routing by the body's "model"
          qwen3: {pool: chat}
          "*": {pool: chat}
        routes:                      # anything else, longest prefix first
          - {path: /v1/}             # the model API; a plain route names its pool:
          - {path: /, pool: chat, strip: false}
        backends:
          smollm2: {command: [python, server.py, --port, "{port}"], instances: 1, ready: {path: /health, within: 60s}}
        """

    @Test("The design page's example means what it says")
    func designPage() throws {
        let configuration = try decoded(Self.designPage)
        #expect(configuration.listen == [ListenConfiguration(address: .tcp(host: "127.0.0.1", port: 8080))])
        #expect(configuration.console?.address == .tcp(host: "127.0.0.1", port: 8081))
        #expect(configuration.limits == LimitsConfiguration())
        let chat = try #require(configuration.pool(named: "chat"))
        var policy = PoolPolicy()
        policy.hash = HashPolicy(key: .header("x-session-id"), bound: 1.25)
        #expect(chat.policy == policy)
        #expect(chat.targets.map(\.policy.weight) == [3, 3, 1])
        #expect(chat.targets.map(\.policy.maxFails) == [2, 2, 1])
        #expect(chat.targets.map(\.policy.isBackup) == [false, false, true])
        #expect(chat.targets.map(\.policy.maxInflight) == [64, nil, nil])
        #expect(chat.targets.map(\.policy.failTimeout) == [.seconds(30), .seconds(30), .seconds(10)])
        #expect(configuration.pool(named: "local")?.targets.first?.location == .backend("smollm2"))
        #expect(configuration.models.map(\.name) == ["qwen3", "*"])
        #expect(configuration.routes.map(\.path) == ["/v1/", "/"])
        #expect(configuration.routes.map(\.isModelAPI) == [true, false])
        #expect(configuration.routes.map(\.api) == [.openai, .plain])
        #expect(configuration.backends.map(\.command) == [["python", "server.py", "--port", "{port}"]])
    }

    @Test("Two servers need no more than their addresses")
    func firstFile() throws {
        let configuration = try decoded(
            "pools:\n  chat:\n    targets:\n      - http://vllm1:8000\n      - http://vllm2:8000\n")
        #expect(
            configuration.pools[0].targets.map(\.location)
                == ["vllm1", "vllm2"].compactMap {
                    UpstreamURL(text: "http://\($0):8000").map { .url($0) }
                })
        #expect(configuration.models == [ModelConfiguration(name: "*", shares: [.init(pool: "chat", weight: 1)])])
        #expect(configuration.routes.map(\.path) == ["/", "/v1/"])
        #expect(configuration.routes.map(\.pool) == ["chat", nil])
    }

    @Test("A file that names its models opens the model API only")
    func modelsOnly() throws {
        let configuration = try decoded(onePool + "models: {qwen3: chat}\n")
        #expect(configuration.routes.map(\.path) == ["/v1/"])
        #expect(configuration.models.map(\.name) == ["qwen3"])
    }

    @Test("A file that names plain routes gets no model API")
    func routesOnly() throws {
        let configuration = try decoded(onePool + "routes: [{path: /api/, pool: chat, strip: true}]\n")
        #expect(configuration.models.isEmpty)
        #expect(configuration.routes.map(\.path) == ["/api/"])
        #expect(configuration.routes[0].strip == "/api")
        let model = try decoded(onePool + "routes: [{path: /openai/v1/, strip: /openai/}]\n")
        #expect(model.models.map(\.name) == ["*"])
        #expect(model.routes[0].strip == "/openai")
    }

    @Test("A route at /v1/ that names a pool is not doubled")
    func plainRouteAtTheModelAPI() throws {
        let configuration = try decoded(onePool + "models: {a: chat}\nroutes: [{path: /v1/, pool: chat}]\n")
        #expect(configuration.routes.map(\.path) == ["/v1/"])
    }

    @Test("--upstream is one pool that serves everything")
    func upstreams() throws {
        let configuration = try Configuration.upstreams(
            ["http://a:8000", "https://b"], environment: ["MARTLET_THREADS": "2"])
        let file = try decoded("threads: 2\npools:\n  default:\n    targets: [http://a:8000, https://b]\n")
        #expect(configuration == file)
        #expect(
            throws: ConfigurationError(problems: [
                ConfigurationProblem(
                    file: "--upstream", origin: .option("--upstream"), path: "pools.default.targets[0].url",
                    message: "must be http://HOST:PORT or https://HOST:PORT, not \"a:8000\"")
            ])
        ) { try Configuration.upstreams(["a:8000"], environment: [:]) }
        do {
            _ = try Configuration.upstreams(["a:8000"], environment: [:])
        } catch {
            #expect(error.description == "--upstream: must be http://HOST:PORT or https://HOST:PORT, not \"a:8000\"")
        }
    }

    @Test("Without a file each backend is a pool and a model")
    func embedded() throws {
        let backends = ["smollm2", "e5"].map { BackendSpec(name: $0, command: ["serve", "{port}"]) }
        let configuration = try Configuration.embedded(backends, environment: ["MARTLET_LISTEN": "a:1"])
        #expect(configuration.listen.map(\.address) == [.tcp(host: "a", port: 1)])
        #expect(configuration.backends == backends)
        #expect(configuration.models.map(\.name) == ["smollm2", "e5"])
        #expect(configuration.models.map { $0.shares.map(\.pool) } == [["smollm2"], ["e5"]])
        #expect(configuration.pools.flatMap(\.targets).map(\.location) == [.backend("smollm2"), .backend("e5")])
        #expect(configuration.routes.map(\.path) == ["/v1/"])
        let nothing = try Configuration.embedded([], environment: [:])
        #expect(nothing.pools.isEmpty && nothing.routes.isEmpty)
    }

    @Test("Anchors, aliases and merge keys share settings")
    func anchors() throws {
        let text = """
            pools:
              a:
                targets:
                  - &first {url: http://a:1, weight: 3, max_fails: 2}
                  - {<<: *first, url: http://b:1}
                  - <<: [*first, {version: v2}]
                    weight: 5
            models: {"*": a, "a*b": a}
            """
        #expect(problems(text).count == 1, "`a*b` is a name with a star in it, and only that is wrong")
        let pools = try decoded(text.replacing(", \"a*b\": a", with: "")).pools
        #expect(pools[0].targets.map(\.policy.weight) == [3, 3, 5])
        #expect(pools[0].targets.map(\.policy.maxFails) == [2, 2, 2])
        #expect(pools[0].targets.map(\.version) == [nil, nil, "v2"])
    }

    @Test("A star in a text stays a star")
    func stars() throws {
        let configuration = try decoded(onePool + "models: {m: {pool: chat, as: \"x *y z*w\"}}\n# *a comment\n")
        #expect(configuration.models[0].upstreamName == "x *y z*w")
    }

    @Test("Weighted pools, a fallback and another name upstream")
    func models() throws {
        let text = """
            pools: {a: {targets: [http://a:1]}, b: {targets: [http://b:1]}, c: {targets: [http://c:1]}}
            models: {m: {pools: {a: 9, b: 1}, as: other, fallback: c}}
            """
        let model = try decoded(text).models[0]
        #expect(model.shares == [.init(pool: "a", weight: 9), .init(pool: "b", weight: 1)])
        #expect(model.upstreamName == "other")
        #expect(model.fallback == "c")
    }

    @Test("A route's overrides replace the pool's one by one")
    func overrides() throws {
        let text =
            onePool + """
                    retry: {on: http_503}
                routes:
                  - {path: /, pool: chat, timeouts: {total: 5s}, retry: {attempts: 3, on: off}, access_log: off,
                     body: 1MiB}
                  - {path: /a/, pool: chat, host: "*.Example.com", api: openai, host_header: preserve}
                """
        let configuration = try decoded(text)
        let pool = configuration.pools[0].policy
        let timeouts = configuration.routes[0].timeouts.applied(to: pool.timeouts)
        #expect(timeouts.total == .seconds(5))
        #expect(timeouts.connect == pool.timeouts.connect)
        #expect(pool.retry.on == [.http503])
        #expect(pool.retry.isOnStated)
        let retry = configuration.routes[0].retry.applied(to: pool.retry)
        #expect(retry.attempts == 3 && retry.on == [] && retry.isOnStated && retry.budget == 0.2)
        #expect(!RetryOverride().applied(to: RetryPolicy()).isOnStated)
        #expect(configuration.routes[0].isLogged == false)
        #expect(configuration.routes[0].body == 1 << 20)
        #expect(configuration.routes[1].host == "*.example.com")
        #expect(configuration.routes[1].hostHeader == .preserve)
    }

    @Test("Checks and breaker can be turned off")
    func off() throws {
        let pool = try decoded(onePool + "    health: off\n    breaker: off\n").pools[0]
        #expect(pool.policy.health.kind == .off)
        #expect(pool.policy.breaker == nil)
        #expect(try decoded(onePool + "console: off\n").console == nil)
    }

    @Test("An exposed console needs a token and TLS, and has them")
    func console() throws {
        let text = onePool + "console: {address: 0.0.0.0:8081, token: s3cret, tls: {certificate: a, key: b}}\n"
        let configuration = try decoded(text)
        #expect(configuration.console?.token?.exposed == "s3cret")
        #expect(try decoded(onePool + "console: {address: \"unix:/run/m.sock\"}\n").console?.address.isLoopback == true)
    }

    @Test("A valid file is summed up without its secrets")
    func explain() throws {
        let text = """
            console: {token: hunter2}
            pools:
              chat:
                targets:
                  - {url: http://a:8000, weight: 3, api_key: hunter3, max_inflight: 64}
                  - {url: https://b, backup: true, headers: {set: {x-key: hunter4}}}
              spare: {targets: [{backend: b}]}
            models: {qwen3: {pool: chat, as: Qwen/Qwen3}}
            backends:
              b: {command: [serve, "{port}"], instances: 2}
            """
        #expect(
            try decoded(text).explain() == """
                ok: 2 pools, 3 targets, 1 model, 1 route, 1 backend
                listen   127.0.0.1:8080
                console  127.0.0.1:8081, token ***
                route    /v1/ -> the model API
                model    qwen3 -> chat as Qwen/Qwen3
                pool     chat: least_conn
                  target http://a:8000, weight 3, at most 64 at a time, api_key ***
                  target https://b, backup
                pool     spare: least_conn
                  target backend b
                backend  b: 2 instances of serve
                note     pool spare: nothing leads to it
                """)
    }

    @Test(
        "Addresses",
        arguments: [
            ("127.0.0.1:8080", "127.0.0.1:8080", true), ("[::1]:80", "[::1]:80", true),
            ("0.0.0.0:0", "0.0.0.0:0", false),
            ("localhost:1", "localhost:1", true), ("unix:/a/b", "unix:/a/b", true), ("[::]:443", "[::]:443", false),
            ("127.evil.com:80", "127.evil.com:80", false), ("example.com:80", "example.com:80", false),
        ])
    func addresses(_ text: String, _ description: String, _ isLoopback: Bool) throws {
        let address = try #require(ListenAddress(text: text))
        #expect(address.description == description)
        #expect(address.isLoopback == isLoopback)
    }

    @Test(
        "Not addresses",
        arguments: [
            "", ":", "a", "a:", ":80", "a:b", "a:65536", "a:-1", "a:1:2", "::1:80", "[::1]", "[::1]80", "[a]:80",
            "unix:", "unix:a",
            "a b:80", "http://a:80", "a:+1", "a..b:1", "a:000080",
        ])
    func notAddresses(_ text: String) {
        #expect(ListenAddress(text: text) == nil)
    }

    @Test(
        "URLs of targets",
        arguments: [
            ("http://a", "http://a", "a"), ("HTTP://a:80/", "http://a", "a"), ("https://a", "https://a", "a"),
            ("https://a:80", "https://a:80", "a:80"), ("http://[::1]:8000", "http://[::1]:8000", "[::1]:8000"),
        ])
    func urls(_ text: String, _ description: String, _ authority: String) throws {
        let url = try #require(UpstreamURL(text: text))
        #expect(url.description == description)
        #expect(url.authority == authority)
    }
}
