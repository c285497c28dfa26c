public import FuzzDriver
import MartletBase
import MartletWire
import NIOCore

/// Header blocks: what is written reads as the same fields, and taking fields out or copying them does what a plain
/// list of names and values says.
@_cdecl("fuzz")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    guard let block = parsed(bytes) else { return 0 }
    let fields = listed(block)
    precondition(listed(rewritten(block)) == fields, "written and read again it differs")
    for field in block.fields.prefix(4) {
        let name = block.name(field)
        let rest = fields.filter { $0.name != name.lowercased() }
        var without = block
        without.remove(named: name)
        precondition(listed(without) == rest, "removed by name")
        precondition(without.first(named: name) == nil && block.first(named: name) != nil, "looked up")
        var copy = HeaderBlock()
        copy.append(contentsOf: block, exceptNamed: [name])
        precondition(listed(copy) == rest, "copied without a name")
        guard field.name != .other else { continue }
        var known = HeaderBlock()
        known.append(contentsOf: block, except: FieldSet(field.name))
        precondition(listed(known) == rest && !known.contains(field.name), "copied without a known name")
    }
    appendOne(bytes)
    return 0
}

@_cdecl("HeaderFuzz_main")
public func start(_ count: CInt, _ arguments: Arguments) -> CInt {
    runFuzzer(count, arguments, fuzz)
}

private struct Line: Equatable {
    var name: String
    var value: [UInt8]
}

private func parsed(_ bytes: [UInt8]) -> HeaderBlock? {
    var parser = RequestParser(limits: HTTPLimits())
    var input = ByteBuffer(string: "GET / HTTP/1.1\r\nHost: a\r\n")
    input.writeBytes(bytes)
    input.writeString("\r\n\r\n")
    guard case .head(let head, _)? = try? parser.next(&input) else { return nil }
    return head.headers
}

private func listed(_ block: HeaderBlock) -> [Line] {
    block.fields.map { field in
        Line(name: block.name(field).lowercased(), value: Array(block.valueBytes(field).readableBytesView))
    }
}

private func rewritten(_ block: HeaderBlock) -> HeaderBlock {
    var parser = RequestParser(limits: HTTPLimits())
    var input = ByteBuffer(string: "GET / HTTP/1.1\r\n")
    block.write(into: &input)
    input.writeString("\r\n")
    guard case .head(let head, _)? = try? parser.next(&input) else { fatalError("written, it cannot be read") }
    return head.headers
}

/// A name and a value from anywhere become one line or none.
private func appendOne(_ bytes: [UInt8]) {
    let parts = bytes.split(separator: 0x3a, maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return }
    var block = HeaderBlock()
    let value = String(decoding: parts[1], as: UTF8.self)
    let isTaken = block.append(String(decoding: parts[0], as: UTF8.self), value)
    var written = ByteBuffer()
    block.write(into: &written)
    let lines = written.readableBytesView.split(separator: 0x0a, omittingEmptySubsequences: true)
    precondition(lines.count == (isTaken ? 1 : 0) && block.fields.count == lines.count, "not one line")
}
