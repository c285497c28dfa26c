import CMartlet
import Glibc
package import MartletBase

/// One end of the line between the serving process and its parent: short messages, some with a descriptor.
package struct HandoverSocket: Sendable {
    package enum Message: Equatable, Sendable {
        /// The descriptor that comes with it is to outlive the serving process, under this name.
        case keep(String)
        /// What was kept under this name is no longer wanted.
        case drop(String)
        /// The child serves.
        case ready
        /// Everything that was kept has been handed over.
        case allGiven
    }

    package struct Received: Equatable, Sendable {
        package let message: Message
        /// Owned by whoever receives it.
        package let descriptor: CInt?
    }

    /// Where a child finds its end of the line.
    private static let inheritedDescriptor: CInt = 3
    /// Longer than the path of any socket.
    private static let longestMessage = 4096

    package let descriptor: CInt

    package init(descriptor: CInt) {
        self.descriptor = descriptor
    }

    /// Both ends, closed in children unless handed to them.
    package static func pair() throws -> (parent: HandoverSocket, child: HandoverSocket) {
        var ends: [CInt] = [-1, -1]
        let kind = CInt(SOCK_SEQPACKET.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        // SAFETY: the call writes two descriptors into the two places.
        let code = unsafe socketpair(AF_UNIX, kind, 0, &ends)
        guard code == 0 else {
            throw MartletError(.internalError, operation: "make a socket pair", cause: systemMessage(errno))
        }
        return (HandoverSocket(descriptor: ends[0]), HandoverSocket(descriptor: ends[1]))
    }

    /// The line holds some hundreds of messages. Waits for the other side to take some when it is full, until `end` (in
    /// two seconds, where none is given); throws when the message does not get on its way.
    package func send(_ message: Message, with file: CInt? = nil, until end: Instant? = nil) throws(MartletError) {
        let end = end ?? .current + .seconds(2)
        while true {
            let code = sendNow(message.bytes, file)
            if code == 0 { return }
            let rest = end - .current
            guard code == EAGAIN || code == EINTR, rest > .zero else {
                throw MartletError(.internalError, operation: "send to the other process", cause: systemMessage(code))
            }
            var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            // SAFETY: one entry, as the count says.
            _ = unsafe poll(&entry, 1, CInt((rest.inSeconds * 1000).rounded(.up)))
        }
    }

    /// 0, or the errno.
    private func sendNow(_ bytes: [UInt8], _ file: CInt?) -> CInt {
        // SAFETY: the kernel reads the bytes during the call only.
        unsafe bytes.withUnsafeBytes {
            unsafe martlet_send_descriptor(descriptor, $0.baseAddress, $0.count, file ?? -1)
        }
    }

    /// The next message; nil when the other side is gone, or when there is none and it is not to be waited for.
    package func receive(waits: Bool) -> Received? {
        var bytes = [UInt8](repeating: 0, count: Self.longestMessage)
        while true {
            var file: CInt = -1
            let flags = waits ? 0 : CInt(MSG_DONTWAIT)
            // SAFETY: the kernel writes at most `count` bytes, and one descriptor.
            let count = unsafe bytes.withUnsafeMutableBytes {
                unsafe martlet_receive_descriptor(descriptor, $0.baseAddress, $0.count, &file, flags)
            }
            if count == -Int(EINTR) { continue }
            guard count > 0 else { return nil }
            guard let message = Message(bytes: bytes.prefix(count)) else {
                if file >= 0 { Glibc.close(file) }
                continue
            }
            return Received(message: message, descriptor: file >= 0 ? file : nil)
        }
    }

    package func close() {
        Glibc.close(descriptor)
    }

    /// The child's end, in a process started by `parent`; nil in any other.
    package static func inherited(from parent: Int32) -> HandoverSocket? {
        guard getppid() == parent else { return nil }
        _ = fcntl(inheritedDescriptor, F_SETFD, FD_CLOEXEC)
        return HandoverSocket(descriptor: inheritedDescriptor)
    }
}

extension HandoverSocket.Message {
    fileprivate var bytes: [UInt8] {
        switch self {
        case .keep(let name): [UInt8(ascii: "k")] + Array(name.utf8)
        case .drop(let name): [UInt8(ascii: "d")] + Array(name.utf8)
        case .ready: [UInt8(ascii: "r")]
        case .allGiven: [UInt8(ascii: "a")]
        }
    }

    fileprivate init?(bytes: ArraySlice<UInt8>) {
        let name = String(decoding: bytes.dropFirst(), as: UTF8.self)
        switch bytes.first {
        case UInt8(ascii: "k"): self = .keep(name)
        case UInt8(ascii: "d"): self = .drop(name)
        case UInt8(ascii: "r"): self = .ready
        case UInt8(ascii: "a"): self = .allGiven
        default: return nil
        }
    }
}
