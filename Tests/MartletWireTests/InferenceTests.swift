import MartletBase
import MartletWire
import NIOCore
import Testing

@Suite("Tensors of the Open Inference Protocol")
struct InferenceTests {
    private func object(
        _ json: String, tensors: [UInt8] = [], plain: Set<String> = [], limit: Int = 1 << 20
    ) throws -> String {
        var body = ByteBuffer(string: json)
        body.writeBytes(tensors)
        let length = tensors.isEmpty ? nil : json.utf8.count
        return String(buffer: try InferenceRequest(body: body, headerLength: length).object(plain: plain, limit: limit))
    }

    private func input(_ type: String, _ shape: String, _ data: String) -> String {
        #"{"inputs":[{"name":"x","datatype":"\#(type)","shape":\#(shape),"data":\#(data)}]}"#
    }

    private func binary(_ type: String, _ shape: String, _ size: Int) -> String {
        #"{"inputs":[{"name":"x","datatype":"\#(type)","shape":\#(shape),"parameters":{"binary_data_size":\#(size)}}]}"#
    }

    @Test("Values become lists, nested as the shape says, whether they came flat or nested", arguments: [
        ("FP32", "[2,3]", "[1,2,3,4.5,5e3,-0]", "[[1,2,3],[4.5,5e3,-0]]"),
        ("FP32", "[2,3]", "[[1,2,3],[4.5,5e3,-0]]", "[[1,2,3],[4.5,5e3,-0]]"),
        ("INT64", "[2,1,2]", "[1,2,3,4]", "[[[1,2]],[[3,4]]]"),
        ("BOOL", "[2]", "[true, false]", "[true,false]"),
        ("BYTES", "[1]", #"["é\n"]"#, #"["é\n"]"#),
        ("FP64", "[]", "[7]", "7"), ("FP64", "[]", "7", "7"),
        ("FP64", "[0]", "[]", "[]"), ("FP64", "[1000000000000,0]", "[]", "[]"),
        ("UINT8", "[2]", "[0,255]", "[0,255]"),
    ])
    func nesting(type: String, shape: String, data: String, expected: String) throws {
        #expect(try object(input(type, shape, data)) == #"{"x":\#(expected)}"#)
    }

    @Test("A conversion ends when nobody waits for it any more")
    func unwanted() async throws {
        let count = 100_000
        let values = "[" + Array(repeating: "1", count: count).joined(separator: ",") + "]"
        let text = ByteBuffer(string: input("INT8", "[\(count)]", values))
        let json = try InferenceRequest(body: text, headerLength: nil)
        let header = binary("INT8", "[\(count)]", count)
        let body = ByteBuffer(string: header + String(repeating: "\u{1}", count: count))
        let bytes = try InferenceRequest(body: body, headerLength: header.utf8.count)
        let answer = InferenceAnswer(ByteBuffer(string: #"{"x":\#(values)}"#))
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return [
                Self.error { _ = try json.object(limit: 1 << 20) },
                Self.error { _ = try bytes.object(limit: 1 << 20) },
                Self.error { _ = try answer.written(to: json, model: "m", version: "1") },
            ]
        }
        task.cancel()
        #expect(await task.value == [.deadlineExceeded, .deadlineExceeded, .deadlineExceeded])
        #expect(try json.object(limit: 1 << 20).readableBytes > count)
    }

    private static func error(_ body: () throws -> Void) -> ErrorCode? {
        do {
            try body()
            return nil
        } catch {
            return (error as? WireError)?.code
        }
    }

    @Test("What is not what it says is refused", arguments: [
        ("FP32", "[2]", "[1]"), ("FP32", "[2]", "[1,2,3]"), ("FP32", "[2]", "[1,[]]"), ("FP32", "[2]", #"[1,"2"]"#),
        ("INT64", "[1]", "[1.5]"), ("INT64", "[1]", "[9223372036854775808]"), ("UINT8", "[1]", "[256]"),
        ("UINT8", "[1]", "[-1]"), ("BOOL", "[1]", "[1]"), ("BYTES", "[1]", "[1]"), ("FP32", "[1]", "[NaN]"),
        ("FP32", "[1]", "[01]"), ("FP32", "[1]", "[1.]"), ("FP32", "[1]", "[.5]"), ("FP32", "[1]", "[+1]"),
        ("FP32", "[1]", "[null]"), ("FP64", "[1]", "[1e999]"),
        ("FP32", "[1]", "{}"), ("FP32", "[-1]", "[1]"), ("FP8", "[1]", "[1]"),
        ("FP32", "[4294967296,4294967296,4294967296]", "[1]"),
        ("FP32", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[1]"),
        ("FP32", "[1]", "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]"),
    ])
    func refused(type: String, shape: String, data: String) {
        let error = #expect(throws: WireError.self) { try object(input(type, shape, data)) }
        #expect(error?.code == .invalidBody)
    }

    @Test("Bytes behind the JSON become the same lists", arguments: [
        ("FP32", "[2]", [0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0], "[1.0,-2.5]"),
        ("INT64", "[1]", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "[-1]"),
        ("UINT16", "[1,2]", [1, 0, 0, 1], "[[1,256]]"), ("BOOL", "[2]", [0, 1], "[false,true]"),
        ("FP16", "[4]", [0, 0x3c, 0, 0xc0, 1, 0, 0xff, 0x7b], "[1.0,-2.0,5.9604645e-08,65504.0]"),
        ("BF16", "[1]", [0x80, 0x3f], "[1.0]"), ("BYTES", "[2]", [1, 0, 0, 0, 0x61, 0, 0, 0, 0], #"["a",""]"#),
    ] as [(String, String, [UInt8], String)])
    func binary(type: String, shape: String, bytes: [UInt8], expected: String) throws {
        #expect(try object(binary(type, shape, bytes.count), tensors: bytes) == #"{"x":\#(expected)}"#)
    }

    @Test("Bytes that are too few, too many or no values are refused", arguments: [
        ("FP32", "[1]", 4, [0, 0, 0]), ("FP32", "[1]", 3, [0, 0, 0]), ("FP32", "[1]", 4, [0, 0, 0, 0, 0]),
        ("FP32", "[1]", 4, [0, 0, 0x80, 0x7f]), ("BYTES", "[1]", 4, [9, 0, 0, 0]),
        ("BYTES", "[1]", 4, [0xff, 0xff, 0xff, 0xff]), ("BYTES", "[1]", 6, [1, 0, 0, 0, 0x61, 0x61]),
        ("BYTES", "[1]", 5, [1, 0, 0, 0, 0xff]), ("BYTES", "[1000000000000000]", 4, [0, 0, 0, 0]),
        ("FP64", "[4611686018427387904]", 4, [0, 0, 0, 0]),
    ] as [(String, String, Int, [UInt8])])
    func badBinary(type: String, shape: String, size: Int, bytes: [UInt8]) {
        let error = #expect(throws: WireError.self) { try object(binary(type, shape, size), tensors: bytes) }
        #expect(error?.code == .invalidBody)
    }

    @Test("A single value goes as it is where the model takes no list")
    func plain() throws {
        let text = input("FP32", "[1,1]", "[3]")
        #expect(try object(text, plain: ["x"]) == #"{"x":3}"#)
        #expect(try object(input("FP32", "[2]", "[3,4]"), plain: ["x"]) == #"{"x":[3,4]}"#)
    }

    @Test("What is longer as JSON than a body may be is refused")
    func limit() {
        let bytes = [UInt8](repeating: 0, count: 1000)
        let error = #expect(throws: WireError.self) {
            try object(binary("BOOL", "[1000]", 1000), tensors: bytes, limit: 2000)
        }
        #expect(error?.code == .bodyTooLarge)
    }

    @Test("A request that is none", arguments: [
        "", "[]", "{}", #"{"inputs":[{}]}"#, #"{"inputs":[]} x"#,
        #"{"inputs":[{"name":"x","datatype":"FP32","shape":[],"data":1},"#
            + #"{"name":"x","datatype":"FP32","shape":[],"data":1}]}"#,
    ])
    func none(json: String) {
        #expect(throws: WireError.self) { try object(json) }
    }

    // MARK: Answers

    private func written(_ answer: String, asking more: String = "") throws -> (header: String, tensors: [UInt8]) {
        let request = try InferenceRequest(body: ByteBuffer(string: #"{"inputs":[]\#(more)}"#), headerLength: nil)
        let written = try InferenceAnswer(ByteBuffer(string: answer)).written(to: request, model: "m", version: "1")
        let head = #"{"model_name":"m","model_version":"1","outputs":["#
        let header = String(buffer: written.header)
        #expect(header.hasPrefix(head))
        return (String(header.dropFirst(head.count).dropLast(2)), Array(written.tensors.readableBytesView))
    }

    @Test("Members of an answer become tensors of the type and shape that they have", arguments: [
        (#"{"y":42}"#, "INT64", "[1]", "[42]"), (#"{"y":[1,2.5]}"#, "FP64", "[2]", "[1,2.5]"),
        (#"{"y":[[1,2],[3,4]]}"#, "INT64", "[2,2]", "[1,2,3,4]"), (#"{"y":[true]}"#, "BOOL", "[1]", "[true]"),
        (#"{"y":"é"}"#, "BYTES", "[1]", #"["é"]"#), (#"{"y":[]}"#, "FP64", "[0]", "[]"),
        (#"{"y":[[],[]]}"#, "FP64", "[2,0]", "[]"), (#"{"y":[1,[2]]}"#, "BYTES", "[1]", #"["[1,[2]]"]"#),
        (#"{"y":[[1],[2,3]]}"#, "BYTES", "[1]", #"["[[1],[2,3]]"]"#), (#"{"y":1e999}"#, "BYTES", "[1]", #"["1e999"]"#),
        (#"{"y":null}"#, "BYTES", "[1]", #"["null"]"#),
        (#"{"y":[1,"a"]}"#, "BYTES", "[1]", #"["[1,\"a\"]"]"#), (#"{"y":{"a":1}}"#, "BYTES", "[1]", #"["{\"a\":1}"]"#),
        (#"{"y":18446744073709551615}"#, "FP64", "[1]", "[18446744073709551615]"),
    ])
    func outputs(answer: String, type: String, shape: String, data: String) throws {
        let (header, tensors) = try written(answer)
        #expect(header == #"{"name":"y","datatype":"\#(type)","shape":\#(shape),"data":\#(data)}"#)
        #expect(tensors.isEmpty)
    }

    @Test("An answer that is no object is the one output", arguments: [
        ("[1,2]", "INT64", "[2]", "[1,2]"), ("hello", "BYTES", "[1]", #"["hello"]"#), ("", "BYTES", "[1]", #"[""]"#),
        (#"{"y":1} {"y":2}"#, "BYTES", "[1]", #"["{\"y\":1} {\"y\":2}"]"#),
    ])
    func single(answer: String, type: String, shape: String, data: String) throws {
        let (header, _) = try written(answer)
        #expect(header == #"{"name":"output","datatype":"\#(type)","shape":\#(shape),"data":\#(data)}"#)
    }

    @Test("Outputs go as bytes where the request says so, one by one or all")
    func binaryOutputs() throws {
        let all = try written(#"{"a":[1],"b":["xy"]}"#, asking: #","parameters":{"binary_data_output":true}"#)
        #expect(
            all.header == #"{"name":"a","datatype":"INT64","shape":[1],"parameters":{"binary_data_size":8}},"#
                + #"{"name":"b","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":6}}"#)
        #expect(all.tensors == [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0x78, 0x79])
        let one = try written(
            #"{"a":[true],"b":[1.0]}"#,
            asking: #","outputs":[{"name":"b","parameters":{"binary_data":true}}]"#)
        #expect(one.header == #"{"name":"b","datatype":"FP64","shape":[1],"parameters":{"binary_data_size":8}}"#)
        #expect(one.tensors == [0, 0, 0, 0, 0, 0, 0xf0, 0x3f])
    }

    @Test("An output that the model does not have is named")
    func missing() throws {
        let request = try InferenceRequest(
            body: ByteBuffer(string: #"{"inputs":[],"outputs":[{"name":"y"},{"name":"z"}]}"#), headerLength: nil)
        #expect(InferenceAnswer(ByteBuffer(string: #"{"y":1}"#)).missing(request) == "z")
    }

    @Test("Bytes that are no text go as bytes or not at all")
    func notText() throws {
        let answer = InferenceAnswer(ByteBuffer(bytes: [0xff, 0xfe]))
        let asked = { (text: String) in
            try InferenceRequest(body: ByteBuffer(string: text), headerLength: nil)
        }
        #expect(throws: WireError.self) {
            try answer.written(to: try asked(#"{"inputs":[]}"#), model: "m", version: "1")
        }
        let binary = try asked(#"{"inputs":[],"parameters":{"binary_data_output":true}}"#)
        let written = try answer.written(to: binary, model: "m", version: "1")
        #expect(Array(written.tensors.readableBytesView) == [2, 0, 0, 0, 0xff, 0xfe])
    }
}
