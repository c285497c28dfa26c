/// The files that wait to be put into stores, in their order, and the one that is being put.
struct ShelfLine {
    struct Place: Hashable {
        var store: String
        var file: String

        init(_ entry: ShelfEntry) { (store, file) = (entry.store, entry.file) }
    }

    /// A file that is being put.
    struct Putting {
        var place: Place
        /// Ends with what came of it.
        var task: Task<Void, any Error>
    }

    private static let most = 20_000

    /// The last one comes next.
    private var turned: [Place] = []
    private var waiting: [Place] = []
    /// Places for files whose records are being written.
    private var kept = 0
    var now: Putting?

    /// Keeps places for files that are about to come.
    ///
    /// - Throws: `overloaded`.
    mutating func keepPlaces(_ count: Int) throws {
        guard turned.count + waiting.count + kept + count <= Self.most else {
            throw KnowledgeError(.overloaded, "Too many files wait to be put into stores: try again later.")
        }
        kept += count
    }

    mutating func giveBack(places count: Int) { kept -= count }

    mutating func append(_ entry: ShelfEntry) { waiting.append(Place(entry)) }

    mutating func popFirst() -> Place? {
        if turned.isEmpty { (turned, waiting) = (waiting.reversed(), []) }
        return turned.popLast()
    }

    /// Calls off a file that is being put; one that waits is passed over when its entry says so.
    func callOff(_ place: Place) {
        if now?.place == place { now?.task.cancel() }
    }

    func callOff(store: String) {
        if now?.place.store == store { now?.task.cancel() }
    }
}
