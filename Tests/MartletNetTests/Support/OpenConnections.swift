import Foundation

/// How many descriptors of this machine's processes are connected to `port` on loopback over IPv4. A connection
/// that is closed, even one that lingers in TIME_WAIT, has no descriptor and no inode.
///
/// Counting all of `/proc/self/fd` would also count what other tests of the same run have open.
func openConnections(to port: Int) throws -> Int {
    let remote = "0100007F:" + String(format: "%04X", port)
    return try kernelTable("/proc/self/net/tcp").split(separator: "\n").dropFirst().filter { line in
        let fields = line.split(separator: " ")
        return fields.count > 9 && fields[2] == remote && fields[9] != "0"
    }.count
}

/// The kernel hands such a file out page by page; a short read is not its end.
private func kernelTable(_ path: String) throws -> String {
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    defer { try? file.close() }
    var data = Data()
    while let page = try file.read(upToCount: 4096), !page.isEmpty { data += page }
    return String(decoding: data, as: UTF8.self)
}
