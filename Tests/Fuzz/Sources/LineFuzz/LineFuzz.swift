public import FuzzDriver
import MartletNet

/// Output of managed programs in lines: the same lines in any pieces, none empty, none longer than it may be, and what
/// is short enough stays as it was. The first byte picks the limit.
@_cdecl("fuzz")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    guard size > 0 else { return 0 }
    let limit = 1 + Int(data[0] % 32)
    let bytes = Array(UnsafeBufferPointer(start: data + 1, count: size - 1))
    let whole = lines(bytes, limit, pieces: size)
    for pieces in [1, 3] { precondition(lines(bytes, limit, pieces: pieces) == whole, "pieces of \(pieces) differ") }
    let expected = bytes.split { $0 == 0x0a || $0 == 0x0d }.map { line in
        String(decoding: line.prefix(limit), as: UTF8.self) + (line.count > limit ? "…" : "")
    }
    precondition(whole == expected, "not the lines that are there")
    return 0
}

@_cdecl("LineFuzz_main")
public func start(_ count: CInt, _ arguments: Arguments) -> CInt {
    runFuzzer(count, arguments, fuzz)
}

private func lines(_ bytes: [UInt8], _ limit: Int, pieces: Int) -> [String] {
    var splitter = LineSplitter(limit: limit)
    var lines: [String] = []
    for start in stride(from: 0, to: bytes.count, by: pieces) {
        splitter.take(bytes[start..<min(bytes.count, start + pieces)]) { lines.append($0) }
    }
    splitter.finish { lines.append($0) }
    return lines
}
