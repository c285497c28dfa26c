import Foundation
import Testing

@testable import Martlet

@Suite("Files that the command line names")
struct FileScanTests {
    @Test("Files of a folder are called by their way from it; a file alone by its name")
    func names() throws {
        let folder = try TestFolder()
        let alone = try folder.write("x", to: "other/alone.txt")
        try folder.write("一", to: "docs/制度/年假.md")
        try folder.write("two", to: "docs/b.md")
        let scan = FileScan([folder.path + "/docs", alone])
        #expect(scan.files.map(\.name) == ["alone.txt", "b.md", "制度/年假.md"])
        #expect(scan.files.map(\.mark.bytes) == [1, 3, 3])
        #expect(scan.flaws.isEmpty)
    }

    @Test("What begins with a dot is left out, and a link to a folder leads nowhere")
    func hidden() throws {
        let folder = try TestFolder()
        try folder.write("x", to: ".git/config")
        try folder.write("x", to: "a.md")
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/round", withDestinationPath: folder.path)
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/b.md", withDestinationPath: folder.path + "/a.md")
        let scan = FileScan([folder.path + "/"])
        #expect(scan.files.map(\.name) == ["a.md", "b.md"])
        #expect(scan.flaws.isEmpty)
    }

    @Test("What is not there, and what would be two documents of one name, is named")
    func flaws() throws {
        let folder = try TestFolder()
        let first = try folder.write("x", to: "one/a.md")
        let second = try folder.write("y", to: "two/a.md")
        let scan = FileScan([first, second, first, folder.path + "/none.md"])
        #expect(scan.files.map(\.path) == [first])
        #expect(scan.flaws.count == 2)
        #expect(scan.flaws.contains { $0.contains("none.md is not there") })
        #expect(scan.flaws.contains { $0.hasPrefix(second) })
    }
}
