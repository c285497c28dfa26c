import Subprocess

/// Ends a child's whole process group when Martlet is killed.
///
/// The kernel's death signal reaches the child alone; what the child started (a model server's own workers, which hold
/// its memory and its devices) would live on. The guard is a shell that blocks on a pipe whose other end only Martlet
/// holds: end-of-file there means that Martlet died, however it died.
enum ChildGuard {
    private static let script = #"read -r _; kill -s KILL -- "-$1""#

    /// Guards the process group until the calling task is cancelled, which ends the guard without harm.
    static func watch(group: Int32) async {
        var options = PlatformOptions()
        // Out of reach of a terminal's Ctrl-C, which Martlet must answer first.
        options.createSession = true
        do {
            _ = try await Subprocess.run(
                .name("sh"),
                arguments: ["-c", script, "martlet-guard", String(group)],
                platformOptions: options,
                input: .inputWriter,
                output: .discarded,
                error: .discarded
            ) { execution in
                while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
                // Before the pipe closes, which would tell the guard that Martlet died.
                try? execution.send(signal: .kill)
            }
        } catch {
            // Without its guard the child still dies with Martlet; only what it started may not.
        }
    }
}
