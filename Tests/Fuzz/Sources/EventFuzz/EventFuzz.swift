public import FuzzDriver
import MartletWire

/// Event boundaries: equal to the definition however the bytes are cut; marks and usage never trap.
@_cdecl("fuzz")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    let expected = reference(bytes)
    for pieces in [max(1, size), 1, 3, 7] {
        precondition(scanned(bytes, pieces: pieces) == expected, "pieces of \(pieces) differ")
    }
    var marks = StreamMarks()
    marks.read(bytes.span)
    return 0
}

@_cdecl("EventFuzz_main")
public func start(_ count: CInt, _ arguments: Arguments) -> CInt {
    runFuzzer(count, arguments, fuzz)
}

private func reference(_ bytes: [UInt8]) -> Int {
    var index = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    var lineIsEmpty = true
    var end = 0
    while index < bytes.count {
        if bytes[index] == 10 || bytes[index] == 13 {
            if bytes[index] == 13, index + 1 < bytes.count, bytes[index + 1] == 10 { index += 1 }
            if lineIsEmpty { end = index + 1 }
            lineIsEmpty = true
        } else {
            lineIsEmpty = false
        }
        index += 1
    }
    return end
}

private func scanned(_ bytes: [UInt8], pieces: Int) -> Int {
    var boundary = EventBoundary()
    var end = 0
    for start in stride(from: 0, to: bytes.count, by: pieces) {
        let found = boundary.scan(Array(bytes[start..<min(bytes.count, start + pieces)]).span)
        if found > 0 { end = start + found }
    }
    return end
}
