import MartletBase
import MartletNet

/// A service of systemd that runs Martlet as it should be run: many descriptors, back after a crash, time to drain.
package struct SystemdUnit {
    /// Absolute paths.
    private let binary: String
    private let file: String?
    private let user: String?
    private let drain: Duration

    /// What a drain may take on top of its limit: the farewell, and managed backends that are told to stop.
    private static let grace: Duration = .seconds(30)

    package init(binary: String, file: String?, user: String?, drain: Duration) {
        self.binary = binary
        self.file = file
        self.user = user
        self.drain = drain
    }

    package var text: String {
        let command = [binary, "up"] + (file.map { [$0] } ?? [])
        var service = [
            "ExecStart=\(command.map(Self.quoted).joined(separator: " "))",
            "ExecReload=/bin/kill -HUP $MAINPID",
            OpenFiles.systemdRemedy,
            "# Its own, whoever it runs as: for what Martlet writes about itself (`state`).",
            "StateDirectory=martlet",
            "Environment=MARTLET_STATE=/var/lib/martlet",
            "Restart=always",
            "RestartSec=1",
            "# Managed backends serve what is in flight; they are stopped by Martlet, not with it.",
            "KillMode=mixed",
            "# limits.drain, and what the end itself takes.",
            "TimeoutStopSec=\(Int((drain + Self.grace).inSeconds.rounded(.up)))",
        ]
        if let file {
            let folder = file.split(separator: "/").dropLast().joined(separator: "/")
            // Paths in the file are relative to where Martlet is started. Not quoted: systemd takes the line as it is.
            service.append("WorkingDirectory=/\(folder.replacing("%", with: "%%"))")
        }
        if let user { service.append("User=\(user)") }
        return """
            [Unit]
            Description=Martlet
            Wants=network-online.target
            After=network-online.target

            [Service]
            \(service.joined(separator: "\n"))

            [Install]
            WantedBy=multi-user.target
            """
    }

    /// A word of a command line as systemd reads it: quoted, `%` and `$` doubled.
    private static func quoted(_ word: String) -> String {
        let plain = word.utf8.allSatisfy { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
                || UInt8(ascii: "-")...UInt8(ascii: "9") ~= byte || byte == UInt8(ascii: "_")
        }
        guard !plain else { return word }
        let escaped = word.reduce(into: "") { text, character in
            switch character {
            case "\\", "\"": text += "\\\(character)"
            case "%", "$": text += "\(character)\(character)"
            default: text.append(character)
            }
        }
        return "\"\(escaped)\""
    }
}
