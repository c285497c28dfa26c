import MartletBase
import MartletLogic
import Testing

@testable import Martlet

@Suite("The environment fills in and overrides")
struct ConfigurationEnvironmentTests {
    @Test("A variable, its default and an escaped dollar sign")
    func interpolation() throws {
        let environment = ["A": "one", "EMPTY": "", "TRICK": "${A}"]
        func filled(_ text: String) throws -> String { try Interpolation.fill(text, from: environment) }
        #expect(try filled("${A}") == "one")
        #expect(try filled("x${A}y${A}") == "xoneyone")
        #expect(try filled("${B:-two}") == "two")
        #expect(try filled("${EMPTY:-two}") == "two")
        #expect(try filled("${EMPTY}") == "")
        #expect(try filled("${A:-two}") == "one")
        #expect(try filled("${B:-}") == "")
        #expect(try filled("$${A} $host $") == "${A} $host $")
        #expect(try filled("${TRICK}") == "${A}", "a variable's content is not filled in again")
        #expect(throws: Interpolation.Failure.unset("B")) { try filled("${B}") }
        for text in ["${", "${}", "${A", "${1A}", "${A-b}", "${A b}"] {
            #expect(throws: Interpolation.Failure.malformed) { try filled(text) }
        }
    }

    @Test("A variable can be any value, quoted or not, and no YAML comes out of it")
    func valuesOfVariables() throws {
        let text =
            "pools:\n  a:\n    targets:\n      - {url: \"${URL}\", weight: ${W}, version: ${V:-v1}, api_key: ${KEY}}\n"
        let environment = ["URL": "http://b:2", "W": "7", "KEY": "k: [x]"]
        let problem = "martlet.yaml:4: pools.a.targets[0].api_key: must be one word without spaces"
        #expect(problems(text, environment: environment) == [problem])
        let target = try decoded(text, environment: environment.merging(["KEY": "k:[x]"]) { $1 }).pools[0].targets[0]
        #expect(target.location == .url(try #require(UpstreamURL(text: "http://b:2"))))
        #expect(target.policy.weight == 7)
        #expect(target.version == "v1")
        #expect(target.apiKey?.exposed == "k:[x]")
    }

    @Test("An error shows the name of a variable, never its content")
    func errorsKeepSecrets() {
        let text = onePool + "threads: ${SECRET}\nconsole: {token: \"${SECRET} x\"}\n"
        let all = problems(text, environment: ["SECRET": "hunter2"])
        #expect(
            all == [
                "martlet.yaml:4: threads: must be a whole number or `auto`, not ${SECRET}",
                "martlet.yaml:5: console.token: must be one word without spaces",
            ])
    }

    @Test("MARTLET_ variables override the file")
    func overrides() throws {
        let text = onePool + "listen: [a:1, b:2]\nlimits: {body: 1KiB, keepalive: 5s}\nconsole: 127.0.0.1:9\n"
        let configuration = try decoded(
            text,
            environment: [
                "MARTLET_LISTEN": "0.0.0.0:8080", "MARTLET_LIMITS_BODY": "8MiB", "MARTLET_THREADS": "3",
                "MARTLET_CONSOLE_TOKEN": "t", "MARTLET_ACCESS_LOG": "stdout", "MARTLET_STREAMING_HEARTBEAT": "off",
                "MARTLET_TRUSTED_PROXIES": "10.0.0.0/8, 192.168.0.1", "MARTLET_LIMITS_KEEPALIVE": "",
                "MARTLET_PORT": "tcp://10.0.0.1:80", "MARTLET_HOME": "/x",
            ])
        #expect(configuration.listen.map(\.address) == [.tcp(host: "0.0.0.0", port: 8080)])
        #expect(configuration.limits.body == 8 << 20)
        #expect(configuration.limits.keepalive == .seconds(5))
        #expect(configuration.threads == 3)
        #expect(configuration.console?.address == .tcp(host: "127.0.0.1", port: 9))
        #expect(configuration.console?.token == Secret("t"))
        #expect(configuration.accessLog == .standardOutput)
        #expect(configuration.streaming.heartbeat == nil)
        #expect(configuration.trustedProxies.count == 2)
    }

    @Test("A heartbeat may come ten times a second")
    func quickHeartbeat() throws {
        let configuration = try decoded(onePool + "streaming: {heartbeat: 100ms}\n")
        #expect(configuration.streaming.heartbeat == .milliseconds(100))
    }

    @Test("The console can be moved, turned off and turned on")
    func console() throws {
        #expect(try decoded(onePool, environment: ["MARTLET_CONSOLE": "off"]).console == nil)
        let moved = try decoded(onePool, environment: ["MARTLET_CONSOLE_ADDRESS": "127.0.0.1:7"])
        #expect(moved.console?.address == .tcp(host: "127.0.0.1", port: 7))
        let on = try decoded(onePool + "console: off\n", environment: ["MARTLET_CONSOLE_ADDRESS": "127.0.0.1:7"])
        #expect(on.console?.address == .tcp(host: "127.0.0.1", port: 7))
        #expect(try decoded(onePool + "console: off\n", environment: ["MARTLET_CONSOLE_TOKEN": "t"]).console == nil)
    }

    @Test("A wrong variable is named, beside the mistakes of the file")
    func wrongVariables() {
        let environment = [
            "MARTLET_LIMITS_BODY": "lots", "MARTLET_LISTEN": "8080", "MARTLET_CONSOLE_ADDRESS": "0.0.0.0:1",
        ]
        #expect(
            Set(problems(onePool + "threads: x\n", environment: environment)) == [
                "martlet.yaml:4: threads: must be a whole number or `auto`, not x",
                "MARTLET_LIMITS_BODY: limits.body: must be a size such as 64KiB or 16MiB, not lots",
                "MARTLET_LISTEN: listen[0].address: must be HOST:PORT (0.0.0.0:PORT for every IPv4 address) or unix:/PATH, not 8080",
                "MARTLET_CONSOLE_ADDRESS: console.address: needs `token` and `tls` to be reachable from other machines",
            ])
    }
}
