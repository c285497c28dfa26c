public import FuzzDriver
import Martlet

/// Files: nothing traps, every mistake has words and one line, and what is valid can be explained.
@_cdecl("fuzz")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: data, count: size), as: UTF8.self)
    do throws(ConfigurationError) {
        let configuration = try Configuration.parse(text, file: "martlet.yaml", environment: ["NAME": "value"])
        precondition(!configuration.listen.isEmpty && !configuration.explain().isEmpty, "valid and empty")
    } catch {
        precondition(!error.problems.isEmpty, "refused without a word")
        for problem in error.problems { precondition(!problem.message.isEmpty, "a problem without words") }
    }
    // The same text as the value of a variable and of a key: never read as YAML.
    _ = try? Configuration.parse(
        "pools: {p: {targets: [\"${NAME}\"]}}", file: "martlet.yaml",
        environment: ["NAME": text, "MARTLET_LIMITS_BODY": text, "MARTLET_LISTEN": text])
    return 0
}

@_cdecl("ConfigurationFuzz_main")
public func start(_ count: CInt, _ arguments: Arguments) -> CInt {
    runFuzzer(count, arguments, fuzz)
}
