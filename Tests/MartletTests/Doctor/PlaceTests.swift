import Foundation
import Glibc
import MartletLogic
import MartletWorkers
import Testing

@testable import Martlet

@Suite("The doctor and what a configuration names")
struct PlaceTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-doctor-\(UUID().uuidString)")

    private func inFolder(_ body: (String) throws -> Void) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }

    @Test("a log needs its folder, and may not be one")
    func log() throws {
        try inFolder { folder in
            #expect(PlaceFacts(file: "\(folder)/access.log").state == .writable)
            #expect(PlaceFacts(file: folder).state == .wrongKind)
            #expect(PlaceFacts(file: "\(folder)/none/access.log").state == .noFolder("\(folder)/none"))
            #expect(PlaceFacts(folder: folder).state == .writable)
            #expect(PlaceFacts(folder: "\(folder)/none").state == .noFolder("\(folder)/none"))
            #expect(PlaceFacts(futureFolder: "\(folder)/none/below").state == .writable)
            try Data().write(to: URL(fileURLWithPath: "\(folder)/file"))
            #expect(PlaceFacts(futureFolder: "\(folder)/file/below").state == .wrongKind)
        }
        let missing = PlaceCheck.finding("access_log", "/a/b.log", PlaceFacts(state: .noFolder("/a")))
        #expect(missing == .failure("access_log", "/a/b.log: there is no folder /a", remedy: "mkdir -p /a"))
        #expect(PlaceCheck.finding("access_log", "/a/b.log", PlaceFacts(state: .readOnlyFolder("/a"))).verdict == .failure)
        let unneeded = PlaceCheck.finding("state", "/a", PlaceFacts(state: .readOnly), isNeeded: false)
        #expect(unneeded.verdict == .warning && unneeded.remedy?.hasPrefix("chown") == true)
        let full = PlaceCheck.finding("access_log", "/a/b.log", PlaceFacts(state: .writable, free: 5 << 20))
        #expect(full.verdict == .warning && full.seen == "/a/b.log is writable, 5MiB free")
    }

    @Test("a program is found as the system finds it")
    func programs() throws {
        #expect(CommandFacts("sh", path: "/nowhere:/bin") == .executable("/bin/sh"))
        #expect(CommandFacts("sh", path: "/nowhere") == .missing)
        #expect(CommandFacts("/bin/sh", path: "") == .executable("/bin/sh"))
        #expect(CommandFacts("./sh", in: "/bin", path: "") == .executable("/bin/./sh"))
        #expect(CommandFacts("/etc/passwd", path: "") == .notExecutable("/etc/passwd"))
        #expect(CommandFacts("/bin", path: "") == .missing)
    }

    @Test("every backend's program and folder, with the variables it is given")
    func backends() {
        var good = BackendSpec(name: "good", command: ["sh"])
        good.environment = ["PATH": "/bin"]
        var bad = BackendSpec(name: "bad", command: ["sh"])
        bad.directory = "/nowhere"
        let findings = CommandCheck.findings([good, bad], environment: ["PATH": "/nowhere"])
        #expect(findings.map(\.check) == [
            "setpriv", "backends.good.command", "backends.bad.directory", "backends.bad.command",
        ])
        #expect(findings.map(\.verdict) == [.failure, .ok, .failure, .failure])
        #expect(CommandCheck.findings([], environment: [:]).isEmpty)
        #expect(CommandCheck.python(environment: ["PATH": "/nowhere"]).remedy == "apt-get install python3-venv")
    }

    @Test("a certificate is told before it ends, and with the day it ended")
    func certificates() {
        let facts = CertificateFacts.usable(from: 1_000_000, to: 1_000_000 + 90 * 86_400)
        func verdict(day: Int) -> Finding.Verdict {
            CertificateCheck.finding("listen tls", "a.pem", facts, now: 1_000_000 + day * 86_400).verdict
        }
        #expect([-1, 1, 75, 80, 91].map(verdict) == [.failure, .ok, .ok, .warning, .failure])
        let missing = CertificateFacts(TLSServerConfiguration(certificate: "/nowhere.pem", key: "/nowhere.key"))
        #expect(missing == .missing(file: "/nowhere.pem"))
        let wrong = CertificateFacts(authorities: "/etc/passwd")
        #expect(CertificateCheck.finding("ca", "/etc/passwd", wrong, now: 0).seen.hasPrefix("/etc/passwd: no certificate"))
    }

    @Test("an address that is not free says why and what to do", arguments: [
        (AddressFacts.free, Finding.Verdict.ok, nil as String?), (.ours, .ok, nil),
        (.taken, .failure, "ss -ltnp 'sport = :80'"),
        (.refused(EACCES), .failure, "CAP_NET_BIND_SERVICE"), (.refused(EADDRNOTAVAIL), .failure, "ip address show"),
        (.unresolved("unknown"), .failure, "listen: "),
    ])
    func addresses(facts: AddressFacts, verdict: Finding.Verdict, remedy: String?) {
        let found = AddressCheck.finding("listen", .tcp(host: "10.0.0.1", port: 80), facts)
        #expect(found.verdict == verdict)
        #expect(remedy.map { found.remedy?.contains($0) == true } ?? (found.remedy == nil))
        #expect(found.seen.hasPrefix("10.0.0.1:80"))
    }

    @Test("a socket of a process that is gone is removed")
    func staleSocket() {
        #expect(AddressCheck.finding("listen", .unix(path: "/run/m.sock"), .stale).remedy == "rm /run/m.sock")
    }

    @Test("a target is judged as its pool's checks judge it", arguments: [
        (TargetFacts.Outcome.connected, Finding.Verdict.ok, nil as String?),
        (.answered(status: 204), .ok, nil), (.answered(status: 404), .warning, "pools.chat.health"),
        (.answered(status: 500), .failure, "curl -i http://a:1/health"),
        (.unreachable("refused"), .failure, "martlet target drain chat http://a:1"),
        (.unusable("unknown"), .failure, "getent hosts a"),
    ])
    func targets(outcome: TargetFacts.Outcome, verdict: Finding.Verdict, remedy: String?) {
        let facts = TargetFacts(name: "http://a:1 (10.0.0.1)", outcome: outcome, took: .microseconds(2500))
        let found = TargetCheck.finding("chat", HealthPolicy(), facts)
        #expect(found.verdict == verdict)
        #expect(found.check == "target http://a:1 (10.0.0.1)")
        #expect(remedy.map { found.remedy?.contains($0) == true } ?? (found.remedy == nil))
        if verdict == .ok { #expect(found.seen.hasSuffix("in 2 ms")) }
    }

    @Test("a status that the pool expects passes, others do not")
    func expectedStatus() {
        var health = HealthPolicy()
        health.expect = 401...401
        let facts = TargetFacts(name: "http://a:1", outcome: .answered(status: 401), took: .zero)
        #expect(TargetCheck.finding("chat", health, facts).verdict == .ok)
    }

    @Test("the console without a token is for this machine only")
    func console() throws {
        #expect(AddressCheck.console(nil).verdict == .ok)
        #expect(AddressCheck.console(try decoded(onePool).console).seen == "without a token, from this machine only")
        let open = ConsoleConfiguration(address: .tcp(host: "0.0.0.0", port: 8081), token: nil, tls: nil)
        #expect(AddressCheck.console(open).verdict == .failure)
    }
}
