import Foundation
import MartletKnowledge
import MartletLogic

// A base that follows a folder.
extension KnowledgeTool {
    /// Adds what is in the folder, then what changes; what is removed there is deleted from the base. Documents the
    /// folder never had stay. Goes on until it is cancelled.
    ///
    /// - Parameter interval: Between two looks.
    /// - Throws: `notFound`; `invalid`: the folder is another one than at first.
    package func watch(
        _ base: String, folder: String, _ order: AddOrder, interval: Duration = .seconds(2)
    ) async throws {
        let metadata = try order.values()
        try await mustHave(base)
        guard let identity = FolderIdentity(folder) else {
            throw KnowledgeError(.notFound, "There is no folder \(printable(folder)).")
        }
        var (watch, flaws) = (FolderWatch(), [String]())
        /// Why files wait; told once.
        var waiting: [String: KnowledgeError] = [:]
        while true {
            // A file system that is not mounted any more looks like a folder that was emptied.
            guard FolderIdentity(folder) == identity else {
                throw KnowledgeError(
                    .invalid, "\(printable(folder)) is not the folder that it was: nothing is deleted.")
            }
            let scan = FileScan([folder])
            for flaw in scan.flaws where !flaws.contains(flaw) { output.remark(flaw) }
            flaws = scan.flaws
            let files = Dictionary(scan.files.map { ($0.name, $0) }) { first, _ in first }
            // What cannot be looked into may still be there.
            let step = watch.look(files.mapValues(\.mark), isWhole: scan.flaws.isEmpty)
            for file in step.read.compactMap({ files[$0] }) {
                let error = try await follow(file, into: base, order.options, metadata)
                if let error, waiting[file.name] != error { tell(error, of: file) }
                waiting[file.name] = error
                // Anything else stands in the file.
                if error?.code == .overloaded || error?.code == .unavailable { watch.again(file.name) }
            }
            for name in step.gone {
                let error = try await drop(name, from: base)
                if let error, waiting[name] != error { output.remark("\(printable(name)): \(error.message)") }
                waiting[name] = error
                if error != nil { watch.again(name) }
            }
            try await Task.sleep(for: interval)
        }
    }

    /// - Returns: What stands in the way.
    private func follow(
        _ file: FileScan.File, into base: String, _ options: IngestOptions, _ metadata: [String: MetadataValue]
    ) async throws -> KnowledgeError? {
        do {
            let added = try await take(file, into: base, options, metadata).get()
            tell(added)
            tellDuplicates(of: added)
            return nil
        } catch let error as KnowledgeError {
            return error
        }
    }

    private func drop(_ name: String, from base: String) async throws -> KnowledgeError? {
        do {
            // One that is not there need not be deleted.
            if try await desk.delete([name], from: base, files: true)[name] == nil { tellDeleted(name) }
            return nil
        } catch let error as KnowledgeError {
            return error
        }
    }
}

/// A folder of a file system, whatever it is called.
private struct FolderIdentity: Equatable {
    private let system: Int
    private let file: Int

    /// nil: there is none.
    init?(_ path: String) {
        let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: real),
            attributes[.type] as? FileAttributeType == .typeDirectory,
            let system = (attributes[.systemNumber] as? NSNumber)?.intValue,
            let file = (attributes[.systemFileNumber] as? NSNumber)?.intValue
        else { return nil }
        (self.system, self.file) = (system, file)
    }
}
