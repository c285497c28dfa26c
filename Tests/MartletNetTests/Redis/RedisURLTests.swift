import MartletBase
import Testing

@testable import MartletNet

@Suite struct RedisURLTests {
    @Test(arguments: [
        ("redis://", RedisURL()),
        ("redis://localhost:6379/0", RedisURL()),
        ("redis://Redis.example.com/", RedisURL(host: "redis.example.com")),
        ("redis://10.0.0.1:7000/3", RedisURL(host: "10.0.0.1", port: 7000, database: 3)),
        ("redis://:6380/1", RedisURL(port: 6380, database: 1)),
        ("redis://[::1]:6380/15", RedisURL(host: "::1", port: 6380, database: 15)),
        ("redis://:hunter2@host", RedisURL(host: "host", password: Secret("hunter2"))),
        ("redis://bob:a%40b%2Fc%25@host:1/2",
            RedisURL(host: "host", port: 1, database: 2, username: "bob", password: Secret("a@b/c%"))),
        ("redis://:a@b:c@host", RedisURL(host: "host", password: Secret("a@b:c"))),
        ("redis://bob@host", RedisURL(host: "host", username: "bob")),
        ("rediss://host?ssl_cert_reqs=CERT_NONE", RedisURL(host: "host", isTLS: true, verifiesServer: false)),
        ("rediss://host/1?ssl_cert_reqs=required&ssl_ca_certs=/etc/ca.pem&socket_timeout=5",
            RedisURL(host: "host", database: 1, isTLS: true, authorities: "/etc/ca.pem")),
        ("REDIS://host?db=4&username=x&password=y",
            RedisURL(host: "host", database: 4, username: "x", password: Secret("y"))),
    ])
    func readsWhatCeleryWrites(text: String, url: RedisURL) throws {
        #expect(try RedisURL(text) == url)
    }

    @Test(arguments: [
        ("http://host", "begin with redis://"), ("host:6379", "begin with redis://"), ("", "begin with redis://"),
        ("redis://host:port", "port"), ("redis://host:0", "port"), ("redis://host:70000", "port"),
        ("redis://host/x", "database"), ("redis://host/-1", "database"), ("redis://host?db=x", "database"),
        ("redis://a,b", "not a host name"), ("redis://::1", "brackets"), ("redis://[::1", "never closed"),
        ("redis://host;redis://other", "several servers"), ("redis://:a#b@host", "%23"), ("redis://ho st", "encoded"),
        ("rediss://host?ssl_cert_reqs=perhaps", "ssl_cert_reqs"), ("rediss://host?ssl_certfile=a", "ssl_certfile"),
        ("redis://:a%zz@host", "the password"), ("redis://a%f:b@host", "the user's name"),
        ("redis://:%ff@host", "not UTF-8"), ("redis://:pa/ss@host", "%2F"),
    ])
    func saysWhatIsWrong(text: String, complaint: String) {
        #expect { try RedisURL(text) } throws: { "\($0)".contains(complaint) }
    }

    @Test(arguments: [
        "redis://:hunter2@ho st", "redis://bob:hunter2@host:x", "redis://:hunter2/x@host", "redis://:hunter2",
        "redis://:hun%ter2@host", "redis://host/x?password=hunter2", "redis://:hunter2@a,b/0", "nonsense:hunter2@host",
    ])
    func noErrorHoldsAPassword(text: String) {
        #expect { try RedisURL(text) } throws: { !"\($0)".contains("hun") && !"\($0)".contains("ter2") }
    }

    @Test func itIsToldWithoutPassword() throws {
        let url = try RedisURL("rediss://bob:hunter2@[::1]/2")
        #expect(url.text == "rediss://[::1]:6379/2")
        #expect("\(url)" == url.text)
        #expect(url == (try RedisURL("rediss://bob:hunter2@[::1]:6379/2")))
        #expect(url != (try RedisURL("rediss://bob:hunter3@[::1]:6379/2")))
    }
}
