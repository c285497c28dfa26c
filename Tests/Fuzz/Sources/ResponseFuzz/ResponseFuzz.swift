public import FuzzDriver
import MartletBase
import MartletWire
import NIOCore

/// Responses: no bytes trap, and pieces do not change the outcome. The first byte picks the method and whether the
/// connection ends behind the bytes.
@_cdecl("fuzz")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    guard size > 1 else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: data + 1, count: size - 1))
    let method: MartletWire.Method = data[0] & 1 == 0 ? .get : .head
    let ends = data[0] & 2 == 0
    expectTheSameInPieces(bytes) { outcome($0, pieces: $1, method: method, ends: ends) }
    return 0
}

@_cdecl("ResponseFuzz_main")
public func start(_ count: CInt, _ arguments: Arguments) -> CInt {
    runFuzzer(count, arguments, fuzz)
}

private func outcome(_ bytes: [UInt8], pieces: Int, method: MartletWire.Method, ends: Bool) -> [String] {
    var parser = ResponseParser(limits: HTTPLimits())
    parser.expect(method: method)
    var input = ByteBuffer()
    var done: [String] = []
    var body: [UInt8] = []
    func take(_ part: ResponsePart) {
        switch part {
        case .informational(let head): done.append("\(head.status)")
        case .head(let head, let framing):
            done.append("\(head.status) \(String(buffer: head.reason)) \(framing)")
            for field in head.headers.fields {
                done.append("\(head.headers.name(field)): \(head.headers.value(field))")
            }
        case .body(let slice): body += Array(slice.readableBytesView)
        case .end: done.append("end \(body)")
        }
    }
    do throws(WireError) {
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            input.writeBytes(bytes[start..<min(bytes.count, start + pieces)])
            while let part = try parser.next(&input) { take(part) }
        }
        if ends, let part = try parser.endOfInput() { take(part) }
    } catch {
        return done + ["\(error.code)"]
    }
    return done + ["\(body)", "\(parser.isIdle)"]
}
