public import FuzzDriver
import MartletBase
import MartletConsole
import MartletNet
import NIOCore

/// Bodies that the console is sent: a command or a reason, never a trap, and a target that can be written down.
@_cdecl("fuzz")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = UnsafeBufferPointer(start: data, count: size)
    command(ByteBuffer(bytes: bytes))
    // As the value of each key, so that what is behind the JSON is reached.
    let text = JSONText.quoted(String(decoding: bytes, as: UTF8.self))
    command(ByteBuffer(string: #"{"action":"add","pool":"p","url":\#(text)}"#))
    command(ByteBuffer(string: #"{"action":\#(text),"pool":\#(text),"url":"http://a:1","version":\#(text)}"#))
    return 0
}

@_cdecl("DeskFuzz_main")
public func start(_ count: CInt, _ arguments: Arguments) -> CInt {
    runFuzzer(count, arguments, fuzz)
}

private func command(_ body: ByteBuffer) {
    do throws(MartletError) {
        let command = try TargetsCommand(body)
        let origin = "\(command.origin)"
        precondition(origin.utf8.allSatisfy { 0x21...0x7e ~= $0 }, "a target of more than visible ASCII")
        precondition((try? HTTPURL(origin).origin) == command.origin, "\(origin) reads otherwise")
    } catch {
        precondition(!error.cause.isEmpty, "refused without a word")
    }
}
