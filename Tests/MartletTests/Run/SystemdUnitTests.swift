import MartletBase
import Testing

@testable import Martlet

@Suite("A systemd unit")
struct SystemdUnitTests {
    private func lines(file: String? = nil, user: String? = nil, drain: Duration = .seconds(600)) -> [Substring] {
        SystemdUnit(binary: "/opt/martlet/bin/martlet", file: file, user: user, drain: drain).text
            .split(separator: "\n")
    }

    @Test("runs the binary with its file, as its user, with descriptors for many requests")
    func serves() {
        let unit = lines(file: "/etc/martlet.yaml", user: "martlet")
        #expect(unit.contains("ExecStart=/opt/martlet/bin/martlet up /etc/martlet.yaml"))
        #expect(unit.contains("User=martlet"))
        #expect(unit.contains("WorkingDirectory=/etc"))
        #expect(unit.contains("StateDirectory=martlet") && unit.contains("Environment=MARTLET_STATE=/var/lib/martlet"))
        #expect(unit.contains("ExecReload=/bin/kill -HUP $MAINPID"))
        #expect(unit.contains("LimitNOFILE=1048576"))
        #expect(unit.contains("Restart=always"))
        #expect(!lines().contains { $0.hasPrefix("User=") })
    }

    @Test("waits for as long as a drain may take, and tells only the parent to stop")
    func waitsForTheDrain() {
        #expect(lines(drain: .seconds(600)).contains("TimeoutStopSec=630"))
        #expect(lines(drain: .milliseconds(1500)).contains("TimeoutStopSec=32"))
        #expect(lines().contains("KillMode=mixed"))
    }

    @Test("quotes what systemd would read otherwise", arguments: [
        ("/srv/my models/a.yaml", #""/srv/my models/a.yaml""#),
        (#"/srv/50%/$HOME/"x"\y"#, #""/srv/50%%/$$HOME/\"x\"\\y""#),
    ])
    func quotes(path: String, written: String) {
        #expect(lines(file: path).contains("ExecStart=/opt/martlet/bin/martlet up \(written)"))
    }
}
