import MartletBase
package import MartletNet
package import MartletWire

/// What every connection of a listener is held to.
package struct FrontSettings: Sendable {
    package var http = HTTPLimits()
    /// From the first byte of a head to its end.
    package var headerTimeout: Duration = .seconds(10)
    /// A body slower than this, once `bodyGrace` has passed, is cut off.
    package var bodyBytesPerSecond = 500
    package var bodyGrace: Duration = .seconds(5)
    /// Between two requests.
    package var keepAlive: Duration = .seconds(75)
    package var requestsPerConnection = 100_000
    /// A client that takes no byte for this long is cut off, and its work with it.
    package var slowReader: Duration = .seconds(30)
    /// Unread bytes of pipelined requests that are kept while one is answered.
    package var pipelinedBytes = 64 << 10
    package var trustedProxies: [AddressRange] = []
    package var isTLS = false
    /// Of the console: its connections live on while the process drains, and have descriptors of their own.
    package var outlivesDrain = false
    /// Holds the descriptors of the process.
    package var governor = Governor()

    package init() {}
}
