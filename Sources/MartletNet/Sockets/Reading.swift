package import NIOCore

extension ChannelHandlerContext {
    /// Lets bytes come in, or leaves them with the kernel, and so with the sender.
    package func setReading(_ isOn: Bool) {
        // The option exists on every channel; a closed one refuses it, and reads nothing any more.
        try? channel.syncOptions?.setOption(.autoRead, value: isOn)
    }
}
