import Glibc
package import MartletBase

/// The user that a child process runs as.
package struct ChildUser: Sendable, Equatable {
    package let name: String
    /// Of its primary group.
    package let group: UInt32
    /// Its home directory.
    package let home: String

    /// Reads the system's list of users.
    ///
    /// - Throws: when there is no user of that name, or this process may not become another one.
    package init(named name: String) throws(MartletError) {
        var entry = unsafe passwd()  // SAFETY: its pointers point nowhere until the call fills them in.
        var found: UnsafeMutablePointer<passwd>?
        var texts = [CChar](repeating: 0, count: 16 << 10)
        // SAFETY: all pointers outlive the call; what `entry` points to lies in `texts`, which lives to the last use.
        let code = unsafe getpwnam_r(name, &entry, &texts, texts.count, &found)
        // SAFETY: as above; a found entry has all of its texts.
        guard code == 0, unsafe found != nil, let home = unsafe entry.pw_dir.map({ unsafe String(cString: $0) }) else {
            throw MartletError(.internalError, operation: "run as \(name)", cause: "there is no user of that name")
        }
        guard geteuid() == 0 else {
            throw MartletError(
                .internalError, operation: "run as \(name)", cause: "only root can run processes as another user")
        }
        self.name = name
        self.home = home
        group = unsafe entry.pw_gid  // SAFETY: a plain number.
    }

    /// What a child's environment says of it.
    var environment: [String: String] { ["HOME": home, "USER": name, "LOGNAME": name] }
}
