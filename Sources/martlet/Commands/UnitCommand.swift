import ArgumentParser
import Foundation
import Martlet

struct UnitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unit", abstract: "Print a systemd unit that runs this binary.",
        discussion: """
            martlet unit /etc/martlet.yaml --user martlet > /etc/systemd/system/martlet.service
            systemctl daemon-reload && systemctl enable --now martlet
            """)

    @Argument(help: "The configuration file that the service serves; it is checked first.")
    var file: String

    @Option(help: "The user it runs as.")
    var user: String?

    func run() throws {
        let configuration = try tellingMistakes {
            try Configuration.load(file: file, environment: ProcessInfo.processInfo.environment)
        }
        let unit = SystemdUnit(
            binary: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"),
            file: URL(fileURLWithPath: file).path, user: user, drain: configuration.limits.drain)
        print(unit.text)
    }
}
