import MartletWire
import NIOCore
import Testing

@Suite("Multipart forms")
struct MultipartReaderTests {
    /// What a form was read as.
    private struct Read: Equatable {
        var parts: [FormPart] = []
        var contents: [[UInt8]] = []
        var flaw: MultipartFlaw?
    }

    private static func form(_ parts: [(head: String, content: String)], boundary: String = "x-Y") -> String {
        parts.map { "--\(boundary)\r\n\($0.head)\r\n\r\n\($0.content)\r\n" }.joined() + "--\(boundary)--\r\n"
    }

    private static func disposition(_ parameters: String) -> String {
        "Content-Disposition: form-data; \(parameters)"
    }

    /// - Parameter size: Of the pieces that it comes in.
    private static func read(
        _ bytes: [UInt8], boundary: String = "x-Y", size: Int = .max, limits: MultipartLimits = MultipartLimits()
    ) -> Read {
        var read = Read()
        do {
            var reader = try MultipartReader(boundary: boundary, limits: limits)
            var input = ByteBuffer()
            var rest = bytes[...]
            while !rest.isEmpty {
                input.writeBytes(rest.prefix(size))
                rest = rest.dropFirst(size)
                try take(&reader, &input, into: &read)
            }
            try reader.finish()
        } catch {
            read.flaw = error as? MultipartFlaw
        }
        return read
    }

    private static func take(
        _ reader: inout MultipartReader, _ input: inout ByteBuffer, into read: inout Read
    ) throws {
        while true {
            switch try reader.next(&input) {
            case .part(let part):
                read.parts.append(part)
                read.contents.append([])
            case .bytes(let piece): read.contents[read.contents.count - 1] += Array(piece.readableBytesView)
            case .partEnd: break
            case .end, .needMore: return
            }
        }
    }

    @Test("Fields and files come with their names and bytes, however the form is cut")
    func pieces() {
        let content = "\r\n--x-\r\n\r--x-Y年假\r\n-\r\n--x"
        let bytes = Array(
            Self.form([
                (Self.disposition(#"name="knowledge_base_name""#), "公司制度"),
                (Self.disposition(#"name="files"; filename="员工手册.md""#) + "\r\nContent-Type: text/markdown", content),
                (Self.disposition("name=empty"), ""),
            ]).utf8)
        let whole = Self.read(bytes)
        #expect(whole.flaw == nil)
        #expect(
            whole.parts == [
                FormPart(name: "knowledge_base_name"),
                FormPart(name: "files", filename: "员工手册.md", contentType: "text/markdown"), FormPart(name: "empty"),
            ])
        #expect(whole.contents == ["公司制度", content, ""].map { Array($0.utf8) })
        for size in 1...80 { #expect(Self.read(bytes, size: size) == whole, "pieces of \(size)") }
    }

    @Test("What stands before the first mark and after the last one means nothing")
    func surroundings() {
        let form = Self.form([(Self.disposition("name=a"), "1")])
        let whole = Self.read(Array("before\r\n--x-\r\n\(form)after\r\n--x-Y\r\n".utf8))
        #expect(whole.flaw == nil)
        #expect(whole.contents == [Array("1".utf8)])
        #expect(Self.read(Array("--x-Y \t\r\n\(Self.disposition("name=a"))\r\n\r\n\r\n--x-Y--".utf8)).contents == [[]])
    }

    @Test(
        "Names are read as clients write them",
        arguments: [
            (#"name="f"; filename="a \"b\" \\ c:\d.txt""#, #"a "b" \ c:\d.txt"#),
            (#"name="f"; filename="a%22b%0D%0A%20.txt""#, "a\"b\r\n%20.txt"),
            (#"name="f"; filename="old.txt"; filename*=UTF-8''%E5%B9%B4%E5%81%87.txt"#, "年假.txt"),
            (#"name="f"; filename="kept.txt"; filename*=GB2312''%C4%EA"#, "kept.txt"),
            (#"name="f"; filename="a;b=c.txt""#, "a;b=c.txt"), (#"name="f"; filename="""#, ""),
            ("name=f;filename=plain.txt", "plain.txt"),
        ])
    func names(_ parameters: String, _ filename: String) {
        let read = Self.read(Array(Self.form([(Self.disposition(parameters), "")]).utf8))
        #expect(read.parts == [FormPart(name: "f", filename: filename)])
    }

    @Test(
        "What is no form is refused",
        arguments: [
            "", "no mark at all", "--x-Y", "--x-Y\r\n", "--x-Yz\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n",
            "--x-Y\r\nContent-Type: text/plain\r\n\r\nwithout a name\r\n--x-Y--",
            "--x-Y\r\nContent-Disposition: form-data; name=a\r\n\r\nno end", "--x-Y\n\n\n--x-Y--",
        ])
    func malformed(_ text: String) {
        for size in [1, 3, .max] {
            guard case .malformed = Self.read(Array(text.utf8), size: size).flaw else {
                Issue.record("\(text.debugDescription) was taken in pieces of \(size)")
                return
            }
        }
    }

    @Test("Limits hold: parts, heads and what precedes them")
    func limits() {
        let part = (Self.disposition("name=a"), "1")
        let three = Array(Self.form([part, part, part]).utf8)
        #expect(Self.read(three, limits: MultipartLimits(parts: 3)).flaw == nil)
        #expect(
            Self.read(three, limits: MultipartLimits(parts: 2)).flaw == .tooLarge("the form has more than 2 parts"))
        let long = Array(Self.form([("X: \(String(repeating: "y", count: 500))\r\n\(part.0)", "1")]).utf8)
        for size in [1, .max] {
            let read = Self.read(long, size: size, limits: MultipartLimits(headBytes: 200))
            #expect(read.flaw == .tooLarge("a part's head is too long"))
        }
        let before = Array(String(repeating: "z", count: 500).utf8) + three
        let read = Self.read(before, size: 50, limits: MultipartLimits(preambleBytes: 200))
        #expect(read.flaw == .malformed("no part begins"))
    }

    @Test("The boundary is read from Content-Type, quoted or not")
    func boundaries() throws {
        #expect(try MultipartReader(contentType: "multipart/form-data; boundary=abc") != nil)
        #expect(try MultipartReader(contentType: "Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"") != nil)
        #expect(try MultipartReader(contentType: "application/json") == nil)
        #expect(throws: MultipartFlaw.self) { try MultipartReader(contentType: "multipart/form-data") }
        #expect(throws: MultipartFlaw.self) { try MultipartReader(boundary: String(repeating: "a", count: 71)) }
    }

    @Test("Mutated forms mean the same however they are cut", arguments: 0..<8)
    func mutations(_ seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let form = Self.form([
            (Self.disposition(#"name="a"; filename="b.txt""#), "one\r\n--x-\r\n--x-Y0"),
            (Self.disposition("name=c"), ""),
        ])
        for _ in 0..<200 {
            let bytes = MutationTests.mutate(Array(form.utf8), &random)
            let whole = Self.read(bytes)
            #expect(Self.read(bytes, size: 1) == whole)
            #expect(Self.read(bytes, size: Int.random(in: 2...20, using: &random)) == whole)
        }
    }
}
