import Testing

@testable import Martlet

@Suite("What has changed between two looks at a folder")
struct FolderWatchTests {
    private let old = FileMark(bytes: 3, modified: 1)
    private let new = FileMark(bytes: 3, modified: 2)

    @Test("A file is read once it was the same twice, and again once it has changed")
    func settled() {
        var watch = FolderWatch()
        #expect(watch.look(["a": old]) == .init())
        #expect(watch.look(["a": new]) == .init())
        #expect(watch.look(["a": new]) == .init(read: ["a"]))
        #expect(watch.look(["a": new]) == .init())
        #expect(watch.look(["a": old, "b": old]) == .init())
        #expect(watch.look(["a": old, "b": old]) == .init(read: ["a", "b"]))
    }

    @Test("A file that was read is gone once it was missed twice; one that never was is none")
    func gone() {
        var watch = FolderWatch()
        _ = watch.look(["a": old])
        _ = watch.look(["a": old, "never": old])
        #expect(watch.look([:]) == .init())
        #expect(watch.look([:]) == .init(gone: ["a"]))
        #expect(watch.look([:]) == .init())
    }

    @Test("A file that is written by removing it first is not gone")
    func rewritten() {
        var watch = FolderWatch()
        _ = watch.look(["a": old])
        _ = watch.look(["a": old])
        _ = watch.look([:])
        #expect(watch.look(["a": new]) == .init())
        #expect(watch.look(["a": new]) == .init(read: ["a"]))
    }

    @Test("What could not be looked into is not gone")
    func partial() {
        var watch = FolderWatch()
        _ = watch.look(["a": old])
        _ = watch.look(["a": old])
        for _ in 0..<3 { #expect(watch.look([:], isWhole: false) == .init()) }
        #expect(watch.look([:]) == .init())
        #expect(watch.look([:]) == .init(gone: ["a"]))
    }

    @Test("What could not be done comes again")
    func again() {
        var watch = FolderWatch()
        _ = watch.look(["a": old])
        #expect(watch.look(["a": old]) == .init(read: ["a"]))
        watch.again("a")
        #expect(watch.look(["a": old]) == .init(read: ["a"]))
        _ = watch.look([:])
        #expect(watch.look([:]) == .init(gone: ["a"]))
        watch.again("a")
        #expect(watch.look([:]) == .init(gone: ["a"]))
        #expect(watch.look([:]) == .init())
    }
}
