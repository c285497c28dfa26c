import Testing

@testable import MartletNet

@Suite struct HTTPURLTests {
    @Test(arguments: [
        ("http://vllm1:8000", "http://vllm1:8000/", "vllm1:8000"),
        ("http://vllm1", "http://vllm1/", "vllm1"),
        ("https://API.example.com/v1?x=1", "https://api.example.com/v1?x=1", "api.example.com"),
        ("HTTP://a:80/", "http://a/", "a"),
        ("https://a:80/", "https://a:80/", "a:80"),
        ("http://[::1]:8000/health", "http://[::1]:8000/health", "[::1]:8000"),
        ("http://[2001:DB8::1]", "http://[2001:db8::1]/", "[2001:db8::1]"),
        ("http://10.0.0.1:1/a/b%20c", "http://10.0.0.1:1/a/b%20c", "10.0.0.1:1"),
        ("http://my_service.default.svc.cluster.local.:65535", "http://my_service.default.svc.cluster.local.:65535/",
            "my_service.default.svc.cluster.local.:65535"),
        ("http://a?q", "http://a/?q", "a"),
        ("http://a/b:c@d", "http://a/b:c@d", "a"),
    ])
    func readsWhatCanBeDialled(text: String, whole: String, authority: String) throws {
        let url = try HTTPURL(text)
        #expect(url.description == whole)
        #expect(url.origin.authority == authority)
    }

    @Test(arguments: [
        ("", "begin with http://"), ("vllm1:8000", "begin with http://"), ("ftp://a", "begin with http://"),
        ("http:/a", "begin with http://"), ("http://", "host is missing"), ("http://:80", "host is missing"),
        ("http:///v1", "host is missing"), ("http://a:", "port"), ("http://a:0", "port"), ("http://a:65536", "port"),
        ("http://a:8o", "port"), ("http://a:+80", "port"), ("http://a: 80", "percent-encoded"),
        ("http://a:99999999999999999999", "port"), ("http://::1", "brackets"), ("http://::1:80/", "brackets"),
        ("http://[::1", "never closed"), ("http://[::1]80", "not a port"), ("http://[a]", "not an IPv6"),
        ("http://[1.2.3.4]", "not an IPv6"), ("http://[::g]", "not an IPv6"), ("http://300.1.1.1", "not an IPv4"),
        ("http://1.2.3", "not an IPv4"), ("http://a..b", "empty part"), ("http://.a", "empty part"),
        ("http://a/b#c", "fragment"), ("http://a/ b", "percent-encoded"), ("http://a\r\nX: y", "percent-encoded"),
        ("http://ä", "percent-encoded"), ("http://a,b", "not a host name"), ("http://a\0", "percent-encoded"),
    ])
    func saysWhatIsWrong(text: String, complaint: String) {
        #expect { try HTTPURL(text) } throws: { "\($0)".contains(complaint) }
    }

    @Test func keepsPasswordsOutOfTheError() {
        #expect { try HTTPURL("http://user:hunter2@a/") } throws: {
            "\($0)".contains("passwords do not belong") && !"\($0)".contains("hunter2")
        }
    }
}
