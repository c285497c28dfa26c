public import FuzzDriver
import MartletBase
import MartletExchange
import MartletNet
import MartletWire
import NIOCore

/// Replies that are read whole: no bytes trap, pieces change nothing, no body is longer than it may be, and a pause
/// that is asked for is one that can be granted. The first byte picks the method and whether the connection ends
/// behind the bytes.
@_cdecl("fuzz")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    guard size > 1 else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: data + 1, count: size - 1))
    let method: MartletWire.Method = data[0] & 1 == 0 ? .get : .head
    let ends = data[0] & 2 == 0
    expectTheSameInPieces(bytes) { outcome($0, pieces: $1, method, ends) }
    return 0
}

@_cdecl("ReplyFuzz_main")
public func start(_ count: CInt, _ arguments: Arguments) -> CInt {
    runFuzzer(count, arguments, fuzz)
}

private let maxBody = 64

private func outcome(_ bytes: [UInt8], pieces: Int, _ method: MartletWire.Method, _ ends: Bool) -> String {
    var reader = ReplyReader(to: method, maxBody: maxBody)
    do throws(WireError) {
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            let piece = ByteBuffer(bytes: bytes[start..<min(bytes.count, start + pieces)])
            if let reply = try reader.read(piece) { return described(reply) }
        }
        if ends, let reply = try reader.end() { return described(reply) }
    } catch {
        return "\(error)"
    }
    return "unfinished, \(reader.hasHead)"
}

private func described(_ reply: HTTPReply) -> String {
    precondition(reply.body.count <= maxBody, "a body that is too long")
    let pause = ResponseHead(status: reply.status, headers: reply.headers).retryAfter
    precondition(pause.map { $0 >= .zero && $0 <= .seconds(3600) } ?? true, "a pause of \(pause ?? .zero)")
    return "\(reply.status) \(reply.headers.fields.count) \(reply.body) \(pause?.text ?? "")"
}
