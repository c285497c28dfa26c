/// What became of one request. Times are nanoseconds of `CLOCK_MONOTONIC`, the clock of the mock's records.
package struct LedgerEntry: Sendable, Equatable {
    /// What it carried as `x-mock-id`.
    package var id: String?
    /// `completed`, `left`, `unfinished` or the name of a ``LoadFailure``.
    package var outcome = ""
    /// 0 when no head came.
    package var status: Int
    /// Events that came.
    package var events: Int
    /// When it was due, or sent.
    package var began: UInt64
    /// The first byte, of a stream the first event.
    package var first: UInt64?
    package var ended: UInt64

    /// One line of JSON, times in microseconds.
    package var json: String {
        var object = JSONObject()
        if let id { object.set("id", id) }
        object.set("outcome", outcome)
        object.set("status", status)
        object.set("events", events)
        object.set("began_us", began / 1000)
        if let first { object.set("first_us", first / 1000) }
        object.set("ended_us", ended / 1000)
        return object.text
    }
}
