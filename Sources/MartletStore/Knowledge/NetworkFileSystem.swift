import Foundation
import Glibc

/// File systems that other machines write to as well: their locks and the order of their writes cannot be relied on,
/// and a database on them is damaged or old sooner or later.
enum NetworkFileSystem {
    private static let kinds: Set<Substring> = [
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gpfs", "glusterfs", "beegfs",
        "orangefs", "pvfs2", "coda", "ncpfs", "davfs", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.ceph-fuse",
        "fuse.s3fs", "fuse.rclone", "fuse.mfs", "fuse.juicefs", "fuse.davfs2", "fuse.smbnetfs", "fuse.gcsfuse",
        "fuse.blobfuse2",
    ]

    /// What the kernel calls the file system of a folder that is there, when it is such a one.
    static func kind(at folder: String) throws(FilesError) -> String? {
        var facts = stat()
        // SAFETY: the path lives through the call, which fills in one structure.
        guard unsafe stat(folder, &facts) == 0 else { throw FilesError("look at", folder, errno) }
        let device = "\(major(facts.st_dev)):\(minor(facts.st_dev))"
        // Without it nobody knows.
        guard let mounts = FileManager.default.contents(atPath: "/proc/self/mountinfo") else { return nil }
        return kind(of: device, mounts: String(decoding: mounts, as: UTF8.self))
    }

    /// - Parameters:
    ///   - device: `major:minor`.
    ///   - mounts: As the kernel writes them: the device is a line's third word, the kind the first one after ` - `.
    static func kind(of device: String, mounts: String) -> String? {
        for line in mounts.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 2, words[2] == device, let dash = words.firstIndex(of: "-"), dash + 1 < words.count,
                kinds.contains(words[dash + 1])
            else { continue }
            return String(words[dash + 1])
        }
        return nil
    }

    private static func major(_ device: UInt) -> UInt { device >> 8 & 0xfff | device >> 32 & ~0xfff }
    private static func minor(_ device: UInt) -> UInt { device & 0xff | device >> 12 & ~0xff }
}
