/// Where the leases of Martlet's workers are, and who asks.
struct LeaseKeys {
    static let count = 5

    let unacked: Bytes
    let index: Bytes
    let leases: Bytes
    let counter: Bytes
    let client: ClientID
    let database: Int
    /// Milliseconds since 1970.
    let now: Int64

    init?(_ keys: [Bytes], client: ClientID, database: Int, now: Int64) {
        guard keys.count >= Self.count else { return nil }
        (unacked, index, leases, counter) = (keys[0], keys[1], keys[2], keys[3])
        self.client = client
        self.database = database
        self.now = now
    }

    var seconds: Double { Double(now) / 1000 }

    /// As kombu writes times.
    var time: Bytes { NumberText.text(seconds) }
}
