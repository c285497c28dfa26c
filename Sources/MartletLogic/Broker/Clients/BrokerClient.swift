/// What the broker knows about one connection.
struct BrokerClient: Sendable {
    let id: ClientID
    /// Where it comes from and where it came to, for `CLIENT LIST`.
    let address: String
    let localAddress: String
    /// Milliseconds since 1970.
    let since: Int64
    var name: Bytes = ""
    var libraryName: Bytes = ""
    var libraryVersion: Bytes = ""
    var database = 0
    var version = ReplyVersion.two
    var isAuthenticated: Bool
    var transaction: Transaction?
    var watched: Set<Place> = []
    /// A watched key changed.
    var isDirty = false
    var channels: [Bytes] = []
    var patterns: [Bytes] = []
    var blocked: BlockedPop?
    var isClosing = false

    /// A transaction that is being queued.
    struct Transaction: Sendable {
        var commands: [(command: BrokerCommand, arguments: [Bytes])] = []
        /// Of all arguments.
        var bytes = 0
        /// A command was refused: `EXEC` will be, too.
        var isFlawed = false
    }

    init(_ id: ClientID, address: String, localAddress: String, isAuthenticated: Bool, now: Int64) {
        self.id = id
        self.address = address
        self.localAddress = localAddress
        self.isAuthenticated = isAuthenticated
        since = now
    }

    var subscriptions: Int { channels.count + patterns.count }

    /// As a line of `CLIENT LIST`.
    func line(_ activity: ClientActivity, now: Int64) -> String {
        let flags = subscriptions > 0 ? "P" : blocked != nil ? "b" : transaction != nil ? "x" : "N"
        return "id=\(id) addr=\(address) laddr=\(localAddress) fd=0 name=\(name.text) age=\((now - since) / 1000) "
            + "idle=\(max(0, now - activity.time) / 1000) flags=\(flags) db=\(database) sub=\(channels.count) "
            + "psub=\(patterns.count) ssub=0 multi=\(transaction?.commands.count ?? -1) cmd=\(activity.command) "
            + "user=default lib-name=\(libraryName.text) lib-ver=\(libraryVersion.text) resp=\(version.rawValue)"
    }
}

/// What a connection said last. Apart from the rest, because it changes with each command.
struct ClientActivity: Sendable {
    /// Milliseconds since 1970.
    var time: Int64
    var command = "NULL"
}
