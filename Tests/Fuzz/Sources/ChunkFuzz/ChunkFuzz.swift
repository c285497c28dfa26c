public import FuzzDriver
import MartletBase
import MartletWire
import NIOCore

/// Chunked bodies: taken exactly as the grammar below reads them, as requests and as responses.
@_cdecl("fuzz")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    // One limit is enough to meet: longer lines and trailers are the other targets' business.
    guard size <= 4000 else { return 0 }
    var asRequest = ChunkGrammar(bytes, limit: HTTPLimits().bodyBytes)
    precondition(request(bytes) == asRequest.read(), "the request's body is not what the grammar says")
    // An answer has no limit.
    var asResponse = ChunkGrammar(bytes, limit: .max)
    precondition(response(bytes) == asResponse.read(), "the response's body is not what the grammar says")
    return 0
}

@_cdecl("ChunkFuzz_main")
public func start(_ count: CInt, _ arguments: Arguments) -> CInt {
    runFuzzer(count, arguments, fuzz)
}

enum Reading: Equatable {
    case whole([UInt8])
    case unfinished
    case refused
}

private func request(_ bytes: [UInt8]) -> Reading {
    var parser = RequestParser(limits: HTTPLimits())
    var input = ByteBuffer(string: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    input.writeBytes(bytes)
    var body: [UInt8] = []
    do throws(WireError) {
        while let part = try parser.next(&input) {
            if case .body(let slice) = part { body += Array(slice.readableBytesView) }
            if case .end = part { return .whole(body) }
        }
    } catch {
        return .refused
    }
    return .unfinished
}

private func response(_ bytes: [UInt8]) -> Reading {
    var parser = ResponseParser(limits: HTTPLimits())
    parser.expect(method: .get)
    var input = ByteBuffer(string: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    input.writeBytes(bytes)
    var body: [UInt8] = []
    do throws(WireError) {
        while let part = try parser.next(&input) {
            if case .body(let slice) = part { body += Array(slice.readableBytesView) }
            if case .end = part { return .whole(body) }
        }
    } catch {
        return .refused
    }
    return .unfinished
}
