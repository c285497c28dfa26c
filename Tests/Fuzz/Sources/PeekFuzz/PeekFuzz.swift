public import FuzzDriver
import MartletWire

/// Bodies: no bytes trap, and pieces change neither the peeked model nor the usage.
@_cdecl("fuzz")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    let whole = outcome(bytes, pieces: max(1, size))
    for pieces in [1, 3, 7] {
        let cut = outcome(bytes, pieces: pieces)
        precondition(cut.model == whole.model && cut.usage == whole.usage, "pieces of \(pieces) differ")
    }
    if let range = whole.model?.modelRange {
        precondition(bytes[range.lowerBound] == 0x22 && bytes[range.upperBound - 1] == 0x22, "range without quotes")
    }
    return 0
}

@_cdecl("PeekFuzz_main")
public func start(_ count: CInt, _ arguments: Arguments) -> CInt {
    runFuzzer(count, arguments, fuzz)
}

private func outcome(_ bytes: [UInt8], pieces: Int) -> (model: PeekedModel?, usage: TokenUsage?) {
    var peek = ModelPeek()
    var scanner = UsageScanner()
    var isRefused = false
    for start in stride(from: 0, to: bytes.count, by: pieces) {
        let piece = Array(bytes[start..<min(bytes.count, start + pieces)])
        scanner.feed(piece.span)
        if !isRefused {
            do throws(WireError) { try peek.feed(piece.span) } catch { isRefused = true }
        }
    }
    return (isRefused ? nil : try? peek.finish(), scanner.usage)
}
