import Foundation

/// A vector as it lies in the file: its numbers one after the other, four bytes each, as all processors that Martlet
/// runs on have them.
enum VectorBlob {
    static func data(_ vector: [Float]) -> Data {
        // SAFETY: the bytes of the array, copied within the call.
        unsafe vector.withUnsafeBytes { unsafe Data($0) }
    }

    /// nil: it is not of that length.
    static func vector(_ data: Data, dimensions: Int) -> [Float]? {
        guard data.count == dimensions * 4 else { return nil }
        var vector = [Float](repeating: 0, count: dimensions)
        // SAFETY: the array has as many bytes as there are; whatever they are, they are numbers.
        _ = unsafe vector.withUnsafeMutableBytes { unsafe data.copyBytes(to: $0) }
        return vector
    }
}
