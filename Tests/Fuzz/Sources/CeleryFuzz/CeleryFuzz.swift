public import FuzzDriver
import MartletWire
import NIOCore

/// What comes from queues and from clients of the broker: no bytes trap, a task that is read can be sent once more, and
/// commands mean the same in any pieces.
@_cdecl("fuzz")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    expectTheSameInPieces(bytes, commands)
    if case .envelope(let envelope) = CeleryEnvelope.read(bytes) {
        guard case .envelope(let marked) = CeleryEnvelope.read(envelope.redelivered(bytes)) else {
            preconditionFailure("a message that is given back is none")
        }
        precondition(marked.isRedelivered && marked.task == envelope.task, "a message that is given back is another")
    }
    _ = TaskEvent.events(in: bytes)
    _ = try? ControlRequest(bytes).isMeant(for: "w1@host")
    if let result = try? TaskResult(parsing: bytes) {
        let again = try? TaskResult(parsing: result.encode())
        precondition(again?.state == result.state && again?.result == result.result, "a stored result is another")
    }
    if let message = try? TaskMessage(bytes) { follow(message) }
    return 0
}

@_cdecl("CeleryFuzz_main")
public func start(_ count: CInt, _ arguments: Arguments) -> CInt {
    runFuzzer(count, arguments, fuzz)
}

/// All that a worker makes of a task.
private func follow(_ message: TaskMessage) {
    var count = 0
    let context = CanvasContext(of: message, replyTo: "us", origin: "gen1@here", now: 0) {
        count += 1
        return "\(count)"
    }
    _ = (message.headers, message.args.value, message.argsText, message.kwargsText)
    _ = try? Canvas.next(after: message, result: .null, context)
    _ = Canvas.failing(after: message, context)
    if let body = message.embed.chord {
        _ = try? Canvas.completing(chord: body, results: [.null], context)
        _ = Canvas.failing(chord: body, context)
    }
    let retry = OutgoingTask(retrying: message, eta: 0, replyTo: "us", origin: "gen1@here")
    guard let again = try? TaskMessage(retry.message(deliveryTag: "d", now: 0)) else {
        preconditionFailure("a task that was read cannot be sent")
    }
    precondition(again.id == message.id && again.args == message.args && again.embed == message.embed)
}

private func commands(_ bytes: [UInt8], pieces: Int) -> [String] {
    var limits = RESPLimits()
    (limits.bulkBytes, limits.arguments, limits.commandBytes, limits.inlineBytes) = (64, 8, 128, 64)
    var parser = RESPCommandParser(limits: limits)
    var input = ByteBuffer()
    var done: [String] = []
    do throws(RESPProtocolError) {
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            input.writeBytes(bytes[start..<min(bytes.count, start + pieces)])
            while let command = try parser.next(&input) { done.append("\(command.map { Array($0.readableBytesView) })") }
        }
    } catch {
        return done + ["\(error.reason)"]
    }
    return done
}
