import Foundation
import MartletStore
import Testing

@Suite("Records by key")
struct RecordFileTests {
    @Test("What was written is there when the file is opened again, what was removed is not")
    func reopened() async throws {
        let path = NSTemporaryDirectory() + "martlet-records-\(UUID().uuidString)"
        defer { for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) } }
        do {
            let file = try RecordFile(path)
            #expect(try await file.all().isEmpty)
            try await file.write(["a": [1, 2], "制度": [], "gone": [3]])
            try await file.write(["gone": nil, "a": [4]])
        }
        #expect(try await RecordFile(path).all() == ["a": [4], "制度": []])
    }
}
