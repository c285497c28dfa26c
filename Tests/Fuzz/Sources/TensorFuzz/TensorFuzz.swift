public import FuzzDriver
import Foundation
import MartletWire
import NIOCore

/// Inference requests and answers: what is taken is JSON of no more than its limit, and what is written can be read.
@_cdecl("fuzz")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = ByteBuffer(bytes: UnsafeBufferPointer(start: data, count: size))
    var body = bytes
    // The first byte says where the JSON ends, so that binary tensors are met.
    let length = body.readInteger(as: UInt8.self).map { Int($0) * 16 }
    request(body, headerLength: nil)
    request(body, headerLength: length)
    answer(bytes)
    return 0
}

@_cdecl("TensorFuzz_main")
public func start(_ count: CInt, _ arguments: Arguments) -> CInt {
    runFuzzer(count, arguments, fuzz)
}

private let limit = 4096

private func request(_ body: ByteBuffer, headerLength: Int?) {
    guard let request = try? InferenceRequest(body: body, headerLength: headerLength),
        let object = try? request.object(plain: ["x"], limit: limit)
    else { return }
    // Brackets and names come on top of the last value that fitted.
    precondition(object.readableBytes <= 2 * limit + 2 * body.readableBytes, "longer than it may be")
    precondition((try? JSONDecoder().decode(JSONValue.self, from: Data(object.readableBytesView))) != nil, "no JSON")
}

private func answer(_ body: ByteBuffer) {
    let answer = InferenceAnswer(body)
    for text in [#"{"inputs":[]}"#, #"{"inputs":[],"parameters":{"binary_data_output":true}}"#] {
        guard let request = try? InferenceRequest(body: ByteBuffer(string: text), headerLength: nil),
            let written = try? answer.written(to: request, model: "m", version: "1")
        else { continue }
        let header = try? JSONDecoder().decode(JSONValue.self, from: Data(written.header.readableBytesView))
        guard case .array(let outputs)? = header?["outputs"] else { fatalError("an answer that cannot be read") }
        precondition(outputs.count == answer.outputs.count, "an output is missing")
        let sizes = outputs.map { output in
            if case .integer(let size)? = output["parameters"]?["binary_data_size"] { Int(size) } else { 0 }
        }
        precondition(sizes.reduce(0, +) == written.tensors.readableBytes, "sizes that are not those of the tensors")
    }
}
