import Foundation
import MartletKnowledge
import MartletLogic
import Synchronization
import Testing

/// Files on their way into stores, and what happens to them meanwhile.
@Suite("The shelf", .timeLimit(.minutes(3)))
struct ShelfTests {
    private static func shelf(
        _ desk: any KnowledgeDesk, _ fixture: DeskFixture, _ book: any ShelfBook
    ) async throws -> Shelf {
        try await Shelf(desk, book: book, folder: fixture.folder + "/shelf") { 1 }
    }

    /// The same records: what a process leaves that ends now.
    private static func copy(_ book: ShelfMemory) async -> ShelfMemory {
        let copy = ShelfMemory()
        await copy.write(await book.all().mapValues(Optional.some))
        return copy
    }

    /// A store with one file that waits.
    private static func store(
        on shelf: Shelf, _ fixture: DeskFixture, attributes: [String: MetadataValue] = [:]
    ) async throws -> (store: String, file: String) {
        let path = fixture.folder + "/in/upload"
        try Data("Nests are built of mud.".utf8).write(to: URL(fileURLWithPath: path))
        let file = try await shelf.add(path, name: "nests.txt", purpose: "assistants", bytes: 23)
        var putting = Shelf.Putting(file.id)
        putting.attributes = attributes
        let view = try await shelf.create(Shelf.StoreChange(), files: [putting])
        return (view.store.id, file.id)
    }

    private static func settled(_ file: String, of store: String, on shelf: Shelf) async throws -> ShelfEntry {
        while true {
            let entry = try await shelf.file(file, of: store)
            if entry.state != .waiting { return entry }
            await Task.yield()
        }
    }

    @Test("A file that ended the process twice while it was put fails with its name, and is not begun again")
    func killer() async throws {
        try await DeskFixture.run { fixture in
            var book = ShelfMemory()
            let first = try await Self.shelf(fixture.desk, fixture, book)
            let (store, file) = try await Self.store(on: first, fixture)
            for _ in 0..<2 {
                book = await Self.copy(book)
                let desk = HeldDesk(fixture.desk, before: Gate(isOpen: false))
                let shelf = try await Self.shelf(desk, fixture, book)
                let run = Task { await shelf.run() }
                await desk.before.arrivals(1)
                // Here the process would end; what it does from now on, it does to records of its own.
                book = await Self.copy(book)
                run.cancel()
                await run.value
            }
            let desk = HeldDesk(fixture.desk)
            let last = try await Self.shelf(desk, fixture, book)
            let run = Task { await last.run() }
            let entry = try await Self.settled(file, of: store, on: last)
            #expect(entry.state == .failed && entry.failure?.message.contains("nests.txt") == true)
            #expect(desk.begun == 0)
            // Who asks for it again has it tried again.
            _ = try await last.put([Shelf.Putting(file)], into: store)
            #expect(try await Self.settled(file, of: store, on: last).state == .completed)
            run.cancel()
        }
    }

    @Test("An end in order is no attempt of a file's")
    func orderlyEnd() async throws {
        try await DeskFixture.run { fixture in
            let book = ShelfMemory()
            let first = try await Self.shelf(fixture.desk, fixture, book)
            let (store, file) = try await Self.store(on: first, fixture)
            for _ in 0..<3 {
                let desk = HeldDesk(fixture.desk, before: Gate(isOpen: false))
                let shelf = try await Self.shelf(desk, fixture, book)
                let run = Task { await shelf.run() }
                await desk.before.arrivals(1)
                run.cancel()
                await run.value
            }
            let last = try await Self.shelf(fixture.desk, fixture, book)
            let run = Task { await last.run() }
            #expect(try await Self.settled(file, of: store, on: last).state == .completed)
            run.cancel()
        }
    }

    @Test("Attributes that are changed while their file is put are those of its document")
    func changedMeanwhile() async throws {
        try await DeskFixture.run { fixture in
            let desk = HeldDesk(fixture.desk, after: Gate(isOpen: false))
            let shelf = try await Self.shelf(desk, fixture, ShelfMemory())
            let (store, file) = try await Self.store(on: shelf, fixture, attributes: ["year": .number(2025)])
            let run = Task { await shelf.run() }
            await desk.after.arrivals(1)
            _ = try await shelf.change(file, of: store, attributes: ["year": .number(2026)])
            desk.after.open()
            #expect(try await Self.settled(file, of: store, on: shelf).state == .completed)
            run.cancel()
            #expect(try await desk.documents(in: store).map(\.metadata) == [["year": .number(2026)]])
        }
    }

    @Test("A batch that is called off leaves what its files were before")
    func calledOff() async throws {
        try await DeskFixture.run { fixture in
            let desk = HeldDesk(fixture.desk, from: 2, before: Gate(isOpen: false))
            let shelf = try await Self.shelf(desk, fixture, ShelfMemory())
            let (store, file) = try await Self.store(on: shelf, fixture)
            let run = Task { await shelf.run() }
            #expect(try await Self.settled(file, of: store, on: shelf).state == .completed)
            let former = try await desk.documents(in: store)
            var putting = Shelf.Putting(file)
            putting.attributes = ["year": .number(2026)]
            let (batch, _) = try await shelf.createBatch([putting], into: store)
            await desk.before.arrivals(1)
            _ = try await shelf.cancel(batch: batch.id, of: store)
            await desk.before.departures(1)
            run.cancel()
            await run.value
            #expect(try await desk.documents(in: store) == former)
            #expect(try await shelf.file(file, of: store).state == .cancelled)
        }
    }

    @Test("A file that is taken out while it is put is not there afterwards")
    func takenOut() async throws {
        try await DeskFixture.run { fixture in
            let desk = HeldDesk(fixture.desk, after: Gate(isOpen: false))
            let shelf = try await Self.shelf(desk, fixture, ShelfMemory())
            let (store, file) = try await Self.store(on: shelf, fixture)
            let run = Task { await shelf.run() }
            await desk.after.arrivals(1)
            try await shelf.detach(file, from: store)
            desk.after.open()
            run.cancel()
            await run.value
            #expect(try await desk.documents(in: store).isEmpty)
        }
    }

    @Test("What is refused, because too many wait or the disk is full, leaves an entry as it was")
    func refused() async throws {
        try await DeskFixture.run { fixture in
            let book = FullBook()
            let shelf = try await Self.shelf(fixture.desk, fixture, book)
            let (store, file) = try await Self.store(on: shelf, fixture)
            let before = try await shelf.file(file, of: store)
            book.isFull.withLock { $0 = true }
            await #expect(throws: KnowledgeError.self) {
                try await shelf.change(file, of: store, attributes: ["year": .number(1)])
            }
            #expect(try await shelf.file(file, of: store) == before)
            book.isFull.withLock { $0 = false }
            var (last, year, error) = (before, 0.0, KnowledgeError?.none)
            // It waits all the time: nobody puts anything in.
            while error == nil {
                year += 1
                do {
                    last = try await shelf.change(file, of: store, attributes: ["year": .number(year)])
                } catch let refusal as KnowledgeError {
                    error = refusal
                }
            }
            #expect(error?.code == .overloaded)
            #expect(try await shelf.file(file, of: store) == last)
        }
    }
}

/// A book that may be full.
private final class FullBook: ShelfBook {
    let isFull = Mutex(false)

    func all() -> [String: [UInt8]] { [:] }

    func write(_ changes: [String: [UInt8]?]) throws {
        if isFull.withLock({ $0 }) { throw KnowledgeError(.failed, "The disk is full.") }
    }
}
