public import FuzzDriver
import MartletBase
import MartletWire

/// Small texts: durations, callers' timeouts and sizes are in range and read back as they were written, quoted text
/// stays one line and reads back.
@_cdecl("fuzz")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: data, count: size), as: UTF8.self)
    if let duration = Duration(text: text) {
        precondition(duration >= .zero && duration <= .seconds(1_000_000_001), "out of range")
        guard let again = Duration(text: duration.text) else { fatalError("\(duration.text) cannot be read") }
        precondition(abs((again - duration) / .microseconds(1)) <= 1, "\(text) became \(duration.text)")
    }
    if let timeout = Duration(textOrSeconds: text) {
        precondition(timeout > .zero && timeout <= .seconds(1_000_000_001), "a timeout out of range")
    }
    if let count = ByteCount.parse(text) {
        precondition(count >= 0 && ByteCount.parse(ByteCount.text(count)) == count, "\(text) is \(count)")
    }
    quote(text)
    return 0
}

@_cdecl("TextFuzz_main")
public func start(_ count: CInt, _ arguments: Arguments) -> CInt {
    runFuzzer(count, arguments, fuzz)
}

private func quote(_ text: String) {
    let quoted = JSONText.quoted(text)
    precondition(quoted.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }, "more than one line")
    let body = Array("{\"model\":\(quoted)}".utf8)
    var peek = ModelPeek()
    do throws(WireError) {
        try peek.feed(body.span)
        let found = try peek.finish()
        precondition(found.model == text, "quoted, it reads otherwise")
    } catch {
        // A name that is too long or empty is refused; the quoting is sound all the same.
        let isTooLong = quoted.utf8.count > ModelPeek.maximumModelBytes
        precondition(text.isEmpty || isTooLong, "quoted, it is refused: \(error)")
    }
}
