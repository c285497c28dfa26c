public import FuzzDriver
import MartletBase
import MartletWire
import NIOCore

/// Frames of a worker, with the metas of its answers: no bytes trap, and pieces do not change the outcome.
@_cdecl("fuzz")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    expectTheSameInPieces(bytes, outcome)
    // Seldom do lengths that fit come about by chance.
    _ = try? WorkerAnswer(meta: ByteBuffer(bytes: bytes))
    return 0
}

@_cdecl("WorkerFrameFuzz_main")
public func start(_ count: CInt, _ arguments: Arguments) -> CInt {
    runFuzzer(count, arguments, fuzz)
}

/// As small as this, places within it come about by chance.
private let sharedPart = 16..<256

private func outcome(_ bytes: [UInt8], pieces: Int) -> [String] {
    var parser = WorkerFrameParser(shared: sharedPart)
    var input = ByteBuffer()
    var done: [String] = []
    do throws(WireError) {
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            input.writeBytes(bytes[start..<min(bytes.count, start + pieces)])
            while let part = try parser.next(&input) {
                done.append(words(part))
                guard case .item(let type, let item) = part else { continue }
                done.append(answer(item.meta))
                guard let shared = item.shared, type == .result else { continue }
                precondition(shared.length >= 0 && shared.offset >= sharedPart.lowerBound)
                precondition(shared.offset + shared.length <= sharedPart.upperBound)
            }
        }
    } catch {
        return done + ["\(error)"]
    }
    return done + ["\(parser.isBetweenFrames)"]
}

private func answer(_ meta: ByteBuffer) -> String {
    do throws(WireError) {
        let answer = try WorkerAnswer(meta: meta)
        return "\(String(describing: answer.status)) \(String(buffer: answer.headers.bytes))"
    } catch {
        return "\(error)"
    }
}

private func words(_ part: WorkerPart) -> String {
    switch part {
    case .control(let type, let id, let payload): "\(type) \(id) \(Array(payload.readableBytesView))"
    case .item(let type, let item):
        "\(type) \(item.id) \(item.status) \(item.flags) \(Array(item.meta.readableBytesView)) "
            + "\(Array(item.body.readableBytesView)) \(String(describing: item.shared))"
    }
}
