import MartletKnowledge
import MartletLogic
import Testing

@Suite struct HTMLReaderTests {
    private func text(_ body: String) async throws -> DocumentText {
        try await read("<!DOCTYPE html><html><head><title> 帮助 &amp; FAQ </title></head><body>\(body)</body></html>", "x").text
    }

    @Test func `what people read stays, what browsers do goes`() async throws {
        let found = try await text(
            """
            <nav><ul><li>Home</li></ul></nav><script>if (a < b) { nav() }</script><style>p { color: red }</style>
            <h1>年假 <em>规定</em></h1><p>First&nbsp;line,<br>second &lt;line&gt; &#24180;
            goes   on.</p><h2>Who</h2>Everybody<template><p>no</p></template>
            """)
        #expect(found.title == "帮助 & FAQ")
        #expect(found.text == "年假 规定\n\nFirst\u{a0}line,\nsecond <line> 年 goes on.\n\nWho\n\nEverybody")
        #expect(found.outline == ["1 年假 规定", "2 Who"])
    }

    @Test func `lists, tables and code keep their lines`() async throws {
        let found = try await text(
            """
            <ol start=3><li>three<li><p>four</p><ul><li>inner</ul></ol>
            <table><tr><th>a<th>b</tr><tr><td>1<p>2<td></table>
            <pre>if x:
                y()

            z</pre>
            """)
        #expect(
            found.text
                == "3. three\n4. four\n  - inner\n\n| a | b |\n| 1 2 |  |\n\nif x:\n    y()\n\nz")
    }

    @Test func `a table that only puts things side by side is running text`() async throws {
        let found = try await text(
            """
            <table><tr><td>Menu</td><td><h2>News</h2><p>One</p><table><tr><td>k<td>v</table></td></tr>
            <tr><td>End</table>
            """)
        #expect(found.text == "Menu\n\nNews\n\nOne\n\n| k | v |\n\nEnd")
        #expect(found.outline == ["2 News"])
    }

    @Test func `elements left open and ends without a beginning are forgiven`() async throws {
        let found = try await text("<h1>One</h2><p>a</div></section><b>b<p>c</td></h3>")
        #expect(found.text == "One\n\nab\n\nc")
    }

    @Test func `a page says its encoding itself`() async throws {
        // 年假, in GB 2312.
        let page = Array("<html><head><meta charset=gb2312></head><body>".utf8) + [0xc4, 0xea, 0xbc, 0xd9]
        #expect(try await read(page, "x.html").text.text == "年假")
    }

    @Test func `XHTML is a page whatever its name says`() async throws {
        let found = try await read("<?xml version=\"1.0\"?>\n<!-- a page -->\n<html><body><p>年假</p></body></html>", "x.txt")
        #expect(found.type == .html)
        #expect(found.text.text == "年假")
    }
}
