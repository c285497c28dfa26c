import Foundation
import MartletBase

@testable import MartletKnowledge

/// A sentence encoder of the real one's form with few and small layers, written as its files, and computed in the
/// plainest way to compare with.
struct TinyModel {
    static let size = 16
    static let widths = [(width: 2, left: 0), (width: 3, left: 1), (width: 5, left: 2)]
    /// The first three are the vocabulary's own; the last ones overlap.
    static let pieces: [(text: String, score: Float)] = {
        let begin: [(String, Float)] = [("<unk>", 0), ("<s>", 0), ("</s>", 0), ("▁", -3)]
        let characters: [(String, Float)] = (0..<700).map { (character($0), -6) }
        let last: [(String, Float)] = [
            ("一丁", -7), ("丁丂", -7), ("一丁丂", -14), ("▁a", -4), ("ab", -4), ("▁abc", -20), ("b", -5), ("c", -5),
        ]
        return begin + characters + last
    }()

    /// The first characters of Chinese in the order of Unicode.
    static func character(_ number: Int) -> String {
        String(UnicodeScalar(0x4e00 + UInt32(number)).map(Character.init) ?? " ")
    }

    private(set) var arrays: [String: (shape: [Int], values: [Float])] = [:]
    private let table: [[[UInt8]]]
    let epsilon: Float = 1e-6

    init(seed: UInt64 = 1) {
        var random = SplitMix64(seed: seed)
        let rows = Self.pieces.count / 2 + 1
        table = (0..<2).map { _ in
            (0..<rows).map { _ in (0..<Self.size).map { _ in UInt8.random(in: .min ... .max, using: &random) } }
        }
        arrays["scale"] = ([2], [0.01, 0.02])
        arrays["lo"] = ([2], [-1, -2.5])
        arrays["eps"] = ([], [epsilon])
        var shapes = ["ln_g": [4 * Self.size], "ln_b": [4 * Self.size], "cnn_W": [4 * Self.size, 16], "cnn_b": [16]]
        for (width, _) in Self.widths {
            shapes["proj\(width)"] = [16, 16]
            shapes["w1_\(width)"] = [width * 16, 16]
            shapes["w2_\(width)"] = [width * 16, 16]
            for name in ["proj_b", "ln_g", "ln_b", "b1_", "b2_"] { shapes["\(name)\(width)"] = [16] }
        }
        let dense = ["d0": [16, 32], "d1": [32, 32], "d2": [32, 16], "d3": [16, 24], "p1": [16, 32], "p3": [32, 24]]
        shapes.merge(dense) { $1 }
        for (name, shape) in shapes.sorted(by: { $0.key < $1.key }) {
            let values = (0..<shape.reduce(1, *)).map { _ in Float(Int.random(in: -300...300, using: &random)) / 1000 }
            arrays[name] = (shape, values)
        }
    }

    /// Writes `weights.npz` and `sp.model`.
    func write(to folder: String) throws {
        var entries = arrays.mapValues { shape, values in
            Self.npy("<f4", shape, values.flatMap { Self.little(Int($0.bitPattern), 4) })
        }
        for (number, block) in table.enumerated() {
            entries["q\(number + 1)"] = Self.npy("|u1", [block.count, Self.size], block.flatMap { $0 })
        }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(Self.archive(entries)).write(to: URL(filePath: "\(folder)/weights.npz"))
        try Data(Self.sentencePiece(charsmap: Charsmap.bytes)).write(to: URL(filePath: "\(folder)/sp.model"))
    }

    // MARK: Files

    static func npy(_ kind: String, _ shape: [Int], _ content: [UInt8]) -> [UInt8] {
        let numbers = shape.map { "\($0)," }.joined(separator: " ")
        let header = Array("{'descr': '\(kind)', 'fortran_order': False, 'shape': (\(numbers)), }\n".utf8)
        return [0x93] + Array("NUMPY".utf8) + [1, 0] + little(header.count, 2) + header + content
    }

    /// Packed the simplest way that deflate has: as blocks of bytes as they are.
    static func archive(_ entries: [String: [UInt8]]) -> [UInt8] {
        var (file, directory): ([UInt8], [UInt8]) = ([], [])
        for (name, content) in entries.sorted(by: { $0.key < $1.key }) {
            let name = Array("\(name).npy".utf8)
            var packed: [UInt8] = []
            for start in stride(from: 0, to: max(content.count, 1), by: 65_535) {
                let part = content[start..<min(start + 65_535, content.count)]
                packed.append(start + 65_535 >= content.count ? 1 : 0)
                packed += little(part.count, 2) + little(~part.count, 2) + part
            }
            let facts =
                little(20, 2) + little(0, 2) + little(8, 2) + little(0, 4) + little(Int(Checksum.crc32(content)), 4)
                + little(packed.count, 4) + little(content.count, 4) + little(name.count, 2) + little(0, 2)
            directory += little(0x0201_4b50, 4) + little(20, 2) + facts + little(0, 6) + little(0, 4)
            directory += little(file.count, 4) + name
            file += little(0x0403_4b50, 4) + facts + name + packed
        }
        let count = little(entries.count, 2)
        return file + directory + little(0x0605_4b50, 4) + little(0, 4) + count + count + little(directory.count, 4)
            + little(file.count, 4) + little(0, 2)
    }

    static func sentencePiece(charsmap: [UInt8]) -> [UInt8] {
        func field(_ number: Int, _ content: [UInt8]) -> [UInt8] {
            [UInt8(number << 3 | 2)] + varint(content.count) + content
        }
        let texts = pieces.flatMap { text, score in
            field(1, field(1, Array(text.utf8)) + [2 << 3 | 5] + little(Int(score.bitPattern), 4) + [3 << 3, 1])
        }
        return texts + field(2, [1 << 3, 5]) + field(3, field(1, Array("nmt_nfkc".utf8)) + field(2, charsmap))
    }

    private static func varint(_ number: Int) -> [UInt8] {
        number < 0x80 ? [UInt8(number)] : [UInt8(number & 0x7f | 0x80)] + varint(number >> 7)
    }

    static func little(_ number: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }
}

extension TinyModel {
    /// The vector as the network's definition has it, one text and one place at a time.
    func vector(of pieces: [Int32]) -> [Float] {
        let looked = pieces.map { piece -> [Float] in
            let block = Int(piece) % 2
            let (scale, offset) = (arrays["scale"]?.values[block] ?? 0, arrays["lo"]?.values[block] ?? 0)
            return table[block][Int(piece) / 2].map { Float($0) * scale + offset }
        }
        let inputs = looked.map { row in
            normalized(
                Self.widths.flatMap { zip(product(row, "proj\($0.width)"), self["proj_b\($0.width)"]).map(+) },
                Self.widths.flatMap { self["ln_g\($0.width)"] }, Self.widths.flatMap { self["ln_b\($0.width)"] })
        }
        let branches = Self.widths.enumerated().map { number, branch in
            let own = inputs.map { Array($0[number * Self.size..<(number + 1) * Self.size]) }
            let hidden = convolved(own, branch, "w1_\(branch.width)", "b1_\(branch.width)")
            return convolved(hidden, branch, "w2_\(branch.width)", "b2_\(branch.width)")
        }
        var sum = [Float](repeating: 0, count: 4 * Self.size)
        for place in pieces.indices {
            let row = normalized(looked[place] + branches.flatMap { $0[place] }, self["ln_g"], self["ln_b"])
            sum = zip(sum, row).map(+)
        }
        let count = Float(pieces.count)
        let mean = zip(product(sum, "cnn_W"), self["cnn_b"]).map { ($0 + count * $1) / count.squareRoot() }
        let first = product(mean, "d0").map { max($0, 0) }
        let second = zip(product(first, "d1"), product(mean, "p1")).map { max($0 + $1, 0) }
        let third = product(second, "d2").map { max($0, 0) }
        let last = zip(product(third, "d3"), product(second, "p3")).map { Foundation.tanh($0 + $1) }
        let length = last.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return last.map { $0 / length }
    }

    private subscript(name: String) -> [Float] { arrays[name]?.values ?? [] }

    private func product(_ row: [Float], _ name: String) -> [Float] {
        guard let (shape, values) = arrays[name] else { return [] }
        return (0..<shape[1]).map { column in row.indices.reduce(0) { $0 + row[$1] * values[$1 * shape[1] + column] } }
    }

    private func convolved(
        _ rows: [[Float]], _ branch: (width: Int, left: Int), _ weights: String, _ bias: String
    ) -> [[Float]] {
        rows.indices.map { place in
            let seen = (0..<branch.width).flatMap { neighbour -> [Float] in
                let index = place - branch.left + neighbour
                return rows.indices.contains(index) ? rows[index] : [Float](repeating: 0, count: Self.size)
            }
            return zip(zip(product(seen, weights), self[bias]).map { max($0 + $1, 0) }, rows[place]).map(+)
        }
    }

    private func normalized(_ row: [Float], _ gain: [Float], _ bias: [Float]) -> [Float] {
        let mean = row.reduce(0, +) / Float(row.count)
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(row.count)
        return row.indices.map { (row[$0] - mean) / (variance + epsilon).squareRoot() * gain[$0] + bias[$0] }
    }
}

/// A normaliser's rules: a double array in which each node has 256 units of its own.
enum Charsmap {
    /// Full width to half, a ligature, an ideographic blank, and a character that goes away.
    private static let rules = [
        "Ａ": "a", "ａ": "a", "ﬁ": "fi", "\u{3000}": " ", "\u{200b}": "", "A": "a", "a\u{301}": "á",
    ]

    static var bytes: [UInt8] {
        var children: [[UInt8: Int]] = [[:]]
        var values: [Int: Int] = [:]
        var texts: [UInt8] = []
        for (key, text) in rules.sorted(by: { $0.key < $1.key }) {
            var node = 0
            for byte in key.utf8 {
                if children[node][byte] == nil {
                    children.append([:])
                    children[node][byte] = children.count - 1
                }
                node = children[node][byte] ?? 0
            }
            values[node] = texts.count
            texts += Array(text.utf8) + [0]
        }
        var units = [UInt32](repeating: 0, count: 256 * (children.count + 1))
        func base(_ node: Int) -> Int { 256 * (node + 1) }
        units[0] = UInt32(base(0)) << 10
        for (node, edges) in children.enumerated() {
            if let value = values[node] { units[base(node)] = UInt32(value) | 1 << 31 }
            for (byte, child) in edges {
                let place = base(node) ^ Int(byte)
                units[place] = UInt32(place ^ base(child)) << 10 | UInt32(byte) | (values[child] == nil ? 0 : 0x100)
            }
        }
        return TinyModel.little(units.count * 4, 4) + units.flatMap { TinyModel.little(Int($0), 4) } + texts
    }
}
