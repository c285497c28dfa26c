import MartletLogic
import Testing

@Suite struct ContentTypeTests {
    @Test(arguments: [
        ("# a", "x.md", ContentType.markdown), ("<html>", "x.md", .html), (" <!DOCTYPE html>", "x", .html),
        ("# a", "x.txt", .text), ("a,b\nc\n", "x.csv", .csv), ("a,b\n", "x", .text), ("{", "x", .json), ("[1]", "x.MD", .markdown),
        ("a", "x.tsv", .tsv), ("a b\n", "README", .text), ("[1]", "x.json", .json), ("plain", "x.html", .text),
    ])
    func `the content decides, then the name`(text: String, name: String, type: ContentType) {
        #expect(ContentType.ofText(head: Array(text.utf8)[...], name: name) == type)
    }

    @Test func `an archive is what its parts say`() {
        let office: Set = ["[Content_Types].xml", "word/document.xml"]
        #expect(ContentType.ofArchive(names: office, mimetype: nil) == .word)
        #expect(ContentType.ofArchive(names: ["word/document.xml"], mimetype: nil) == nil)
        #expect(ContentType.ofArchive(names: ["a"], mimetype: "application/epub+zip\n") == .book)
        #expect(ContentType.ofArchive(names: ["META-INF/container.xml"], mimetype: nil) == .book)
    }

    @Test func `names within archives are joined as names`() {
        #expect(ArchivePath.join("ppt/slides/", "../media/a%20b.png#x") == "ppt/media/a b.png")
        #expect(ArchivePath.join("ppt/", "/xl/./a.xml") == "xl/a.xml")
        #expect(ArchivePath.join("", "../../../etc/passwd") == "etc/passwd")
        #expect(ArchivePath.split("a/b/c") == ("a/b/", "c"))
    }
}
