import NIOCore
import Testing

@testable import MartletNet

@Suite struct AddressRangeTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true),
        ("10.0.0.0/8", "11.0.0.1", false),
        ("10.1.2.3/8", "10.9.9.9", true),
        ("192.168.1.128/25", "192.168.1.127", false),
        ("192.168.1.128/25", "192.168.1.255", true),
        ("172.16.0.1", "172.16.0.1", true),
        ("172.16.0.1", "172.16.0.2", false),
        ("172.16.0.1/32", "172.16.0.1", true),
        ("0.0.0.0/0", "8.8.8.8", true),
        ("0.0.0.0/0", "2001:db8::1", false),
        ("0.0.0.0/0", "::1", false),
        ("::/0", "2001:db8::1", true),
        ("::/0", "8.8.8.8", false),
        ("::1/128", "::1", true),
        ("::1", "::2", false),
        ("2001:db8::/33", "2001:db8:7fff::1", true),
        ("2001:db8::/33", "2001:db8:8000::1", false),
        ("fe80::/10", "febf::1", true),
        ("fe80::/10", "fec0::1", false),
        // What a dual-stack listener sees of an IPv4 client is that IPv4 client.
        ("10.0.0.0/8", "::ffff:10.1.2.3", true),
        ("::ffff:10.0.0.0/104", "10.1.2.3", true),
        ("::ffff:10.0.0.0/104", "11.1.2.3", false),
        ("::/0", "::ffff:10.1.2.3", false),
    ])
    func holdsTheAddressesOfItsPrefix(range: String, address: String, expected: Bool) throws {
        let range = try #require(AddressRange(text: range))
        #expect(range.contains(try SocketAddress(ipAddress: address, port: 1)) == expected)
    }

    @Test(arguments: [
        "", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0/8", "10.0.0.0 /8",
        "::1/129", "::1/", "[::1]/128", "fe80::1%lo/64", "localhost", "10.0.0.0/٨", "10.0.0.1\0/8", "10.0.0.0/0008",
        "10.0.0.0/99999999999999999999",
    ])
    func refusesWhatIsNoBlock(text: String) {
        #expect(AddressRange(text: text) == nil)
    }

    @Test func holdsNoUnixSocket() throws {
        let range = try #require(AddressRange(text: "0.0.0.0/0"))
        #expect(!range.contains(try SocketAddress(unixDomainSocketPath: "/tmp/x")))
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.8.9.10", true), ("::1", true), ("::ffff:127.0.0.1", true), ("128.0.0.1", false),
        ("10.0.0.1", false), ("::", false), ("::2", false), ("::7f00:1", false), ("0.0.0.0", false),
    ])
    func tellsThisMachineFromOthers(address: String, expected: Bool) throws {
        #expect(try SocketAddress(ipAddress: address, port: 80).isLoopback == expected)
    }

    @Test func takesAUnixSocketForThisMachine() throws {
        #expect(try SocketAddress(unixDomainSocketPath: "/tmp/x").isLoopback)
    }

    @Test(arguments: [("1.2.3.4", -1), ("1.2.3.4", 65_536), ("a", 1), ("1.2.3.4\0", 1), ("fe80::1%lo", 1), ("", 1)])
    func noBadLiteralReachesTheSystem(text: String, port: Int) {
        #expect(SocketAddress.literal(text, port: port) == nil)
    }
}
