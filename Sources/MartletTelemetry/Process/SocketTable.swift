/// What the kernel says about the sockets that a process can see, by the number in `socket:[NUMBER]`.
package struct SocketTable: Sendable {
    package struct Socket: Sendable, Equatable {
        /// `tcp`, `udp` or `unix`.
        package let family: String
        /// `listen`, `established`, `close_wait`, …
        package let state: String
        /// `127.0.0.1:8080`; of a Unix socket its path.
        package let local: String
        /// Empty where there is none.
        package let remote: String
    }

    private var sockets: [String: Socket] = [:]

    /// Of the network namespace of `pid`. Reads every socket there is: milliseconds for thousands.
    package init(of pid: Int32) {
        for (file, family) in [("tcp", "tcp"), ("tcp6", "tcp"), ("udp", "udp"), ("udp6", "udp")] {
            addInternet(Self.text(pid, file), family)
        }
        addUnix(Self.text(pid, "unix"))
    }

    init(tcp: String, unix: String) {
        addInternet(tcp, "tcp")
        addUnix(unix)
    }

    /// - Parameter link: `socket:[NUMBER]`.
    package subscript(_ link: String) -> Socket? {
        sockets[String(link.dropFirst("socket:[".count).dropLast())]
    }

    private static func text(_ pid: Int32, _ file: String) -> String {
        ProcFile.text("/proc/\(pid)/net/\(file)", limit: 256 << 20) ?? ""
    }

    /// Lines of numbers: place, local, remote, state, …, the inode as the tenth.
    private mutating func addInternet(_ text: String, _ family: String) {
        for line in text.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ", maxSplits: 10)
            guard fields.count > 9, let state = UInt8(fields[3], radix: 16) else { continue }
            let remote = Self.endpoint(fields[2])
            sockets[String(fields[9])] = Socket(
                family: family, state: family == "tcp" ? Self.state(state) : "open", local: Self.endpoint(fields[1]),
                remote: remote.hasSuffix(":0") ? "" : remote)
        }
    }

    /// Num, RefCount, Protocol, Flags, Type, State, Inode and perhaps a path.
    private mutating func addUnix(_ text: String) {
        for line in text.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ", maxSplits: 7)
            guard fields.count > 6, let flags = UInt32(fields[3], radix: 16) else { continue }
            let accepts = flags & 0x10000 != 0
            let state = accepts ? "listen" : fields[5] == "03" ? "established" : "open"
            sockets[String(fields[6])] = Socket(
                family: "unix", state: state, local: fields.count > 7 ? String(fields[7]) : "", remote: "")
        }
    }

    /// The kernel's numbers (`include/net/tcp_states.h`).
    private static func state(_ number: UInt8) -> String {
        let names = [
            "established", "syn_sent", "syn_recv", "fin_wait1", "fin_wait2", "time_wait", "close", "close_wait",
            "last_ack", "listen", "closing", "new_syn_recv",
        ]
        return (1...names.count).contains(Int(number)) ? names[Int(number) - 1] : "state \(number)"
    }

    /// `0100007F:1F90` is 127.0.0.1:8080: words of 32 bits as this machine keeps them, then the port.
    private static func endpoint(_ text: Substring) -> String {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1], radix: 16) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = parts[0]
        while let word = UInt32(rest.prefix(8), radix: 16), !rest.isEmpty {
            for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: word.littleEndian >> shift)) }
            rest = rest.dropFirst(8)
        }
        let isMapped = bytes.count == 16 && bytes.prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
        if bytes.count == 4 || isMapped {
            return bytes.suffix(4).map { "\($0)" }.joined(separator: ".") + ":\(port)"
        }
        let groups = stride(from: 0, to: bytes.count - 1, by: 2).map {
            String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16)
        }
        return "[\(groups.joined(separator: ":"))]:\(port)"
    }
}
