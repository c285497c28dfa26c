import NIOCore

/// The listening socket. A schedule closes it and opens it again at the same port; lives on its event loop.
final class MockListener {
    private static let pause = TimeAmount.milliseconds(50)

    private let loop: any EventLoop
    private let bind: (Int) -> EventLoopFuture<any Channel>
    private let port: Int
    private var channel: (any Channel)?
    private var isWanted = true
    private var isChanging = false
    private let over: EventLoopPromise<Void>
    private var isOver = false

    /// - Parameters:
    ///   - channel: listens already.
    ///   - over: kept when ``stop()`` has closed the port for good.
    init(_ channel: any Channel, over: EventLoopPromise<Void>, bind: @escaping (Int) -> EventLoopFuture<any Channel>) {
        self.channel = channel
        self.over = over
        self.bind = bind
        loop = channel.eventLoop
        port = channel.localAddress?.port ?? 0
    }

    func set(isOpen: Bool) {
        isWanted = isOpen && !isOver
        settle()
    }

    func stop() {
        isOver = true
        set(isOpen: false)
    }

    /// One step towards what is wanted; the end of each step leads to the next.
    private func settle() {
        guard !isChanging else { return }
        if isWanted, channel == nil {
            isChanging = true
            bind(port).assumeIsolated().whenComplete { result in
                switch result {
                case .success(let channel): self.settled(channel)
                // Somebody was given the port meanwhile: it is asked for until it is free.
                case .failure:
                    self.loop.assumeIsolated().scheduleTask(in: Self.pause) { self.settled(nil) }
                }
            }
        } else if !isWanted, let channel {
            isChanging = true
            channel.close().assumeIsolated().whenComplete { _ in self.settled(nil) }
        } else if isOver {
            over.succeed()
        }
    }

    private func settled(_ channel: (any Channel)?) {
        isChanging = false
        self.channel = channel
        settle()
    }
}
