public import FuzzDriver
import MartletBase
import MartletWire
import NIOCore

/// Requests: no bytes trap, and pieces do not change the outcome.
@_cdecl("fuzz")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    expectTheSameInPieces(bytes) { outcome($0, pieces: $1) }
    return 0
}

@_cdecl("RequestFuzz_main")
public func start(_ count: CInt, _ arguments: Arguments) -> CInt {
    runFuzzer(count, arguments, fuzz)
}

private func outcome(_ bytes: [UInt8], pieces: Int) -> [String] {
    var parser = RequestParser(limits: HTTPLimits())
    var input = ByteBuffer()
    var done: [String] = []
    var body: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: pieces) {
        input.writeBytes(bytes[start..<min(bytes.count, start + pieces)])
        do throws(WireError) {
            while let part = try parser.next(&input) {
                switch part {
                case .head(let head, let framing):
                    done.append("\(head.methodText) \(String(buffer: head.target)) \(head.pathLength) \(framing)")
                    for field in head.headers.fields {
                        done.append("\(head.headers.name(field)): \(head.headers.value(field))")
                    }
                case .body(let slice): body += Array(slice.readableBytesView)
                case .end: done.append("end \(body)")
                }
                if case .end = part { body = [] }
            }
        } catch {
            return done + ["\(error.code)"]
        }
    }
    return done + ["\(body)", "\(parser.isBetweenRequests)"]
}
