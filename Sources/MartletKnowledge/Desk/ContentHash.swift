import CCrypto
import Glibc
import MartletBase
import MartletNet

/// SHA-256 of what is to be told apart by its content: files, and the texts that vectors are made of.
enum ContentHash {
    private static let pieceBytes = 256 << 10

    /// Of a file: in hexadecimal, with its length in bytes. Reads all of it: not for an event loop.
    ///
    /// - Throws: `KnowledgeError`; `CancellationError`.
    static func file(at path: String, named name: String) throws -> (hash: String, bytes: Int) {
        // Without O_NONBLOCK a pipe would be waited for.
        // SAFETY: the path lives through the call.
        let opened = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard opened >= 0 else {
            let code: KnowledgeError.Code = errno == ENOENT ? .notFound : .failed
            throw KnowledgeError(code, "\(name) cannot be opened: \(systemMessage(errno))")
        }
        let file = OwnedDescriptor(opened)
        var digest = try Digest()
        var bytes = 0
        var piece = [UInt8](repeating: 0, count: pieceBytes)
        while true {
            try Task.checkCancellation()
            // SAFETY: the kernel writes no more than there is room for.
            let count = unsafe piece.withUnsafeMutableBytes { unsafe read(opened, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw KnowledgeError(.failed, "\(name) cannot be read: \(systemMessage(errno))") }
            guard count > 0 else { break }
            digest.add(piece[0..<count])
            bytes += count
        }
        extendLifetime(file)
        return (hexadecimal(digest.end()), bytes)
    }

    /// Of some texts, each by itself: in hexadecimal.
    static func hexadecimal(of texts: [String]) throws -> String { hexadecimal(try digest(of: texts)) }

    /// Of some texts, each by itself: 32 bytes.
    static func text(_ parts: String...) throws -> [UInt8] { try digest(of: parts) }

    private static func digest(of parts: [String]) throws -> [UInt8] {
        var digest = try Digest()
        for part in parts {
            digest.add(Array(part.utf8)[...])
            // No text has this byte: "a" and "b" are not "ab" and "".
            digest.add([0xff])
        }
        return digest.end()
    }

    private static func hexadecimal(_ digest: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// One digest in the making.
@safe private struct Digest: ~Copyable {
    private static let length = 32

    private let context: OpaquePointer

    init() throws(KnowledgeError) {
        // SAFETY: libcrypto makes the context, and `deinit` frees it.
        guard let made = unsafe EVP_MD_CTX_new(), unsafe EVP_DigestInit_ex(made, EVP_sha256(), nil) == 1 else {
            throw KnowledgeError(.failed, "SHA-256 cannot be computed here.")
        }
        // SAFETY: as above.
        unsafe context = made
    }

    // SAFETY: libcrypto frees what it made.
    deinit { unsafe EVP_MD_CTX_free(context) }

    mutating func add(_ bytes: ArraySlice<UInt8>) {
        // SAFETY: libcrypto reads the bytes during the call.
        unsafe bytes.withUnsafeBytes { _ = unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    }

    mutating func end() -> [UInt8] {
        // SAFETY: SHA-256 writes 32 bytes.
        unsafe [UInt8](unsafeUninitializedCapacity: Self.length) { room, count in
            unsafe EVP_DigestFinal_ex(context, room.baseAddress, nil)
            count = Self.length
        }
    }
}
