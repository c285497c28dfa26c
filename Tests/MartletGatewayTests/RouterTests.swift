import MartletExchange
import MartletGateway
import MartletTesting
import MartletWire
import NIOCore
import Testing

@Suite("Router")
struct RouterTests {
    private final class Nothing: LocalHandler {
        func handle(_ request: LocalRequest) async throws -> LocalResponse { .json("{}") }
    }

    /// Routes by name: `host/path`, the host may be missing.
    private func router(_ names: [String]) -> Router {
        Router(
            names.map { name in
                let host = name.prefix { $0 != "/" }
                let path = String(name.dropFirst(host.count))
                return .fake(.local(Nothing()), path: path, host: host.isEmpty ? nil : String(host))
            })
    }

    private func match(_ router: Router, _ target: String, host: String = "example.com") -> String? {
        router.match(.fake(.get, target, host: host)).map { ($0.host ?? "") + $0.name }
    }

    @Test("the longest prefix wins, whatever the order of the file")
    func longestPrefix() {
        for names in [["/", "/v1/", "/v1/chat/"], ["/v1/chat/", "/v1/", "/"]] {
            let router = router(names)
            #expect(match(router, "/v1/chat/completions") == "/v1/chat/")
            #expect(match(router, "/v1/models?a=/v1/chat/") == "/v1/")
            #expect(match(router, "/v1") == "/")
            #expect(match(router, "/") == "/")
        }
    }

    @Test("without a route that fits there is none")
    func none() {
        #expect(match(router(["/v1/"]), "/v2/") == nil)
        #expect(match(router(["a.com/"]), "/", host: "b.com") == nil)
        #expect(match(router([]), "/") == nil)
        // The prefix is of the path: what follows `?` is none of it.
        #expect(match(router(["/a?b"]), "/a?b") == nil)
    }

    @Test("of two at one path the one that takes the method; a method that none takes has the first one's answer")
    func methods() {
        let routes = ["GET", "POST"].map { method in
            Route(
                index: 0, path: "/a", destination: .local(Nothing()), strip: method, bodyLimit: 0, isExact: true,
                methods: [method])
        }
        let router = Router(routes + [.fake(.local(Nothing()), path: "/")])
        #expect(router.match(.fake(.get, "/a")) === routes[0])
        #expect(router.match(.fake(.post, "/a")) === routes[1])
        let other = router.match(.fake(.delete, "/a"))
        #expect(other === routes[0])
        #expect(other?.takes(.fake(.delete, "/a")) == false)
        #expect(router.match(.fake(.delete, "/ab"))?.name == "/")
    }

    @Test("its own host comes before `*.NAME`, a longer name before a shorter one, every host last")
    func hosts() {
        let router = router(["/long/prefix", "*.example.com/", "*.eu.example.com/", "a.example.com/"])
        #expect(match(router, "/long/prefix", host: "a.example.com") == "a.example.com/")
        #expect(match(router, "/long/prefix", host: "b.example.com") == "*.example.com/")
        #expect(match(router, "/", host: "b.eu.example.com") == "*.eu.example.com/")
        #expect(match(router, "/", host: "c.b.example.com:8080") == "*.example.com/")
        #expect(match(router, "/long/prefix", host: "elsewhere.net") == "/long/prefix")
        #expect(match(router, "/", host: "elsewhere.net") == nil)
    }

    @Test("`*.NAME` is not NAME itself, and not a name that ends alike")
    func wildcardEdges() {
        let router = router(["*.example.com/"])
        #expect(match(router, "/", host: "example.com") == nil)
        #expect(match(router, "/", host: "badexample.com") == nil)
        #expect(match(router, "/", host: ".example.com") == nil)
        #expect(match(router, "/", host: "") == nil)
    }

    @Test("a host is found without its port, in brackets too, in any case of letters")
    func ports() {
        let router = router(["example.com/", "[::1]/"])
        #expect(match(router, "/", host: "example.com:8443") == "example.com/")
        #expect(match(router, "/", host: "EXAMPLE.com") == "example.com/")
        #expect(match(router, "/", host: "[::1]:80") == "[::1]/")
        #expect(match(router, "/", host: "[::1]") == "[::1]/")
    }

    @Test("where its own host has no route for the path, the others are asked")
    func fallsThrough() {
        let router = router(["a.com/api/", "/"])
        #expect(match(router, "/other", host: "a.com") == "/")
    }
}
