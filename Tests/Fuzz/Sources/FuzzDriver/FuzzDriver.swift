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
