import Foundation
import MartletWire
import Testing

@Suite("Bytes that once failed under the fuzzer")
struct FuzzReplayTests {
    static func failures(_ target: String) -> [[UInt8]] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fuzz/Failures/\(target)")
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return files.compactMap { try? [UInt8](Data(contentsOf: $0)) }
    }

    @Test("Requests mean the same in any pieces")
    func requests() {
        let kept = Self.failures("RequestFuzz")
        #expect(!kept.isEmpty)
        for bytes in kept {
            let whole = requestOutcome(bytes, .whole)
            #expect(requestOutcome(bytes, .single) == whole)
            #expect(requestOutcome(bytes, .every(7)) == whole)
        }
    }

    @Test("Responses mean the same in any pieces", arguments: ["ResponseFuzz", "ChunkFuzz"])
    func responses(_ target: String) {
        for bytes in Self.failures(target) {
            let head = target == "ChunkFuzz" ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" : ""
            let text = head + String(decoding: bytes, as: UTF8.self)
            let whole = ResponseParserTests.outcome(text, ends: true)
            #expect(ResponseParserTests.outcome(text, .single, ends: true) == whole)
            #expect(ResponseParserTests.outcome(text, .every(7), ends: true) == whole)
        }
    }

    @Test("Frames of workers mean the same in any pieces")
    func workerFrames() {
        for bytes in Self.failures("WorkerFrameFuzz") {
            let whole = WorkerFrameParserTests.outcome(bytes)
            #expect(WorkerFrameParserTests.outcome(bytes, .single) == whole)
            #expect(WorkerFrameParserTests.outcome(bytes, .every(7)) == whole)
        }
    }

    @Test("Messages of Celery end nothing")
    func celery() {
        for bytes in Self.failures("CeleryFuzz") { CeleryMutationTests.read(bytes) }
    }

    @Test("Empty lines before a request are refused as soon as they are there")
    func emptyLines() {
        #expect(requestOutcome(Array("\r\n\r".utf8), .whole) == "!bad_request")
        #expect(requestOutcome(Array("\r\n\r".utf8), .single) == "!bad_request")
    }
}
