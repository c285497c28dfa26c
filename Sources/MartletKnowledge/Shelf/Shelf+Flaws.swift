import Foundation
import MartletStore

extension Shelf {
    /// What is wrong with the files that are kept in a store's folder or in a backup, in sentences; empty: nothing.
    static func flaws(in folder: String) async throws -> [String] {
        let path = folder + "/" + KnowledgeSidecars.shelf
        // Opening would make one.
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        let records: [String: [UInt8]]
        do {
            records = try await RecordFile(path).all()
        } catch {
            return ["\(KnowledgeSidecars.shelf) cannot be read: \(error)"]
        }
        return records.filter { $0.key.hasPrefix("file/") }.sorted { $0.key < $1.key }.compactMap { key, value in
            guard let file = try? JSONDecoder().decode(ShelfFile.self, from: Data(value)) else {
                return "\(key) of the shelf cannot be read"
            }
            let place = "\(folder)/\(KnowledgeSidecars.shelfFiles)/\(file.id)"
            let bytes = try? FileManager.default.attributesOfItem(atPath: place)[.size] as? Int
            return bytes == file.bytes ? nil : "\(file.id) of the shelf has not the \(file.bytes) bytes that it should"
        }
    }
}
