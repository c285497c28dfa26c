/// A task as its history is kept: plain words and numbers, whose meaning is known upstairs.
package struct HistoryTask: Sendable, Equatable {
    /// A step of its life.
    package struct Step: Sendable, Equatable {
        package var state: String
        /// In seconds since 1970.
        package var time: Double
        package var worker: String?

        package init(state: String, time: Double, worker: String? = nil) {
            self.state = state
            self.time = time
            self.worker = worker
        }
    }

    /// Its place in the order in which tasks became known. No two tasks have the same.
    package var number: UInt64
    package var id: String
    package var state: String
    /// Since when, in seconds since 1970.
    package var since: Double
    package var name: String?
    package var queue: String?
    package var worker: String?
    package var arguments: String?
    package var keywordArguments: String?
    package var eta: String?
    package var expires: String?
    package var retries = 0
    package var parent: String?
    package var root: String?
    package var result: String?
    package var exception: String?
    package var traceback: String?
    package var runtime: Double?
    package var timeline: [Step] = []

    package init(number: UInt64, id: String, state: String, since: Double) {
        self.number = number
        self.id = id
        self.state = state
        self.since = since
    }
}

/// Which tasks are looked for. What is nil matters not.
package struct HistoryQuery: Sendable, Equatable {
    package var state: String?
    /// A part of a name.
    package var name: String?
    package var queue: String?
    package var worker: String?
    /// The beginning of an id, a part of a name, an argument or a result. Only of ASCII letters the case is all one.
    package var text: String?
    /// Their state is theirs since then, or later.
    package var from: Double?
    /// And since before then.
    package var until: Double?
    /// Those with lower numbers only.
    package var before: UInt64?
    package var limit: Int

    package init(limit: Int) {
        self.limit = limit
    }
}

/// What was found, the latest first.
package struct HistoryPage: Sendable, Equatable {
    package var tasks: [HistoryTask] = []
    /// Where to go on, as `before`: there is more, or may be, where the time was over. nil: that was all.
    package var next: UInt64?

    package init() {}
}

/// Why a history could not be read or written.
package enum HistoryError: Error, Sendable, Equatable, StoreError {
    /// Another process has the file.
    case inUse
    /// What is in the file is none, or no longer one.
    case damaged(String)
    /// The disk has no room.
    case full(String)
    case failed(String)

    package var reason: String {
        switch self {
        case .inUse: "another process has it"
        case .damaged(let reason), .full(let reason), .failed(let reason): reason
        }
    }
}
