import Foundation
import MartletTools
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Tests that lose packets or take the place of the machine's name server need a network to themselves, loopback alone:
/// `./martlet test` runs them in namespaces (`unshare`) where the machine allows it, and says so where it does not.
enum OwnNetwork {
    static let isGiven = ProcessInfo.processInfo.environment["MARTLET_TEST_NETWORK"] == "own"

    /// Runs `body` while each packet of TCP from and to `ports` is lost with this probability.
    static func losing(_ probability: Double, ports: [Int], body: () async throws -> Void) async throws {
        let rules = ports.flatMap { port in
            ["--dport", "--sport"].map { direction in
                "INPUT -p tcp \(direction) \(port) -m statistic --mode random --probability \(probability) -j DROP"
            }
        }
        for rule in rules { try tool("iptables -w -A \(rule)") }
        do {
            try await body()
            #expect(try await lostPackets() > 0, "packets were lost")
        } catch {
            for rule in rules { try tool("iptables -w -D \(rule)") }
            throw error
        }
        for rule in rules { try tool("iptables -w -D \(rule)") }
    }

    /// Runs `body` while all of loopback together gets so many thousand bits a second: nobody else may be on it.
    static func narrow(_ kilobits: Int, body: () async throws -> Void) async throws {
        // A packet must not be larger than what may pass at once.
        try tool("ip link set lo mtu 1500")
        try tool("tc qdisc add dev lo root tbf rate \(kilobits)kbit burst 4kb limit 256kb")
        do {
            try await body()
        } catch {
            try tool("tc qdisc del dev lo root")
            throw error
        }
        try tool("tc qdisc del dev lo root")
    }

    /// Runs `body` while names are asked of the server at `address` and nowhere else; a question has `patience`
    /// seconds.
    static func asking(_ address: String, patience: Int, body: () async throws -> Void) async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "martlet-test-\(UUID().uuidString)")
        let text = "nameserver \(address)\noptions timeout:\(patience) attempts:1\n"
        try text.write(to: file, atomically: false, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        try tool("mount --bind '\(file.path)' /etc/resolv.conf")
        do {
            try await body()
        } catch {
            try tool("umount /etc/resolv.conf")
            throw error
        }
        try tool("umount /etc/resolv.conf")
    }

    private static func lostPackets() async throws -> Int {
        let list = try await CommandRun.tool("iptables", ["-w", "-L", "INPUT", "-v", "-x", "-n"])
        return list.output.split(separator: "\n").dropFirst(2).reduce(0) { sum, line in
            sum + (line.split(separator: " ").first.flatMap { Int($0) } ?? 0)
        }
    }

    /// Not by Foundation's `Process`, which now and then is not told that a child ended.
    private static func tool(_ command: String) throws {
        // SAFETY: the text lives through the call.
        let status = unsafe system(command)
        try #require(status == 0, "\(command)")
    }
}

extension Trait where Self == ConditionTrait {
    static var inOwnNetwork: Self {
        .enabled(if: OwnNetwork.isGiven, "only in a network of its own, which ./martlet test gives it where it may")
    }
}
