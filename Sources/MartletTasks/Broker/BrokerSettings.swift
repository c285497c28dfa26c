package import MartletLogic
package import MartletNet
package import NIOCore

/// What a broker needs to know at its start.
package struct BrokerSettings: Sendable {
    package var address: SocketAddress
    /// The folder of its data; made when it is not there.
    package var folder: String
    package var policy = BrokerPolicy()
    /// nil: plain text.
    package var tls: TLSServer?
    package var limits = BrokerLimits()
    /// Of Martlet.
    package var version = "0"

    package init(address: SocketAddress, folder: String) {
        self.address = address
        self.folder = folder
    }
}

/// The bounds of the broker's connections and of its journal.
package struct BrokerLimits: Sendable {
    package var connections = 10_000
    /// How long a connection may stay without the password, where one is needed.
    package var passwordSeconds: Int64 = 30
    /// What a connection may be told and has not read, in bytes; one that reads less is closed. A single answer may be
    /// longer.
    package var unreadBytes = 32 << 20
    /// The longest answer, in bytes: instead of a longer one there is an error.
    package var answerBytes = 1 << 30
    /// Above this a connection's commands wait until it has read, in bytes.
    package var repliesBytes = 1 << 20
    /// What a connection may say while it waits in a pop, in bytes; after that it is not read.
    package var waitingCommandBytes = 1 << 20
    /// Above this no commands are taken until the journal has caught up, in bytes.
    package var journalBytes = 32 << 20
    /// A snapshot is written when the journal is longer than this, in bytes, and longer than the data.
    package var journalBytesBeforeSnapshot: UInt64 = 64 << 20
    /// How long a stop waits for replies on their way.
    package var stopSeconds: Int64 = 5

    package init() {}
}
