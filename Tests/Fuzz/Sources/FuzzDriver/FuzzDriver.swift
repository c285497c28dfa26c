/// One input of the fuzzer: its bytes and how many there are.
public typealias FuzzTarget = @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
public typealias Arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<Arguments>, _ target: FuzzTarget
) -> CInt

/// Hands the process to libFuzzer. SwiftPM names an executable's entry point after its target, so that libFuzzer's own
/// `main` is not linked: each target has an entry point that calls this.
public func runFuzzer(_ count: CInt, _ arguments: Arguments, _ target: FuzzTarget) -> CInt {
    var count = count
    var arguments = arguments
    return runDriver(&count, &arguments, target)
}

/// What is read from bytes must not depend on how they arrive: whole, one by one, or by sevens.
///
/// - Parameter outcome: of the bytes, in pieces of so many.
public func expectTheSameInPieces<Outcome: Equatable>(_ bytes: [UInt8], _ outcome: ([UInt8], Int) -> Outcome) {
    let whole = outcome(bytes, max(1, bytes.count))
    precondition(outcome(bytes, 1) == whole, "byte by byte differs")
    precondition(outcome(bytes, 7) == whole, "pieces of seven differ")
}
