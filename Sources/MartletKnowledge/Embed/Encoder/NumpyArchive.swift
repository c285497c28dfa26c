import CZlib

/// The arrays of a NumPy archive (`.npz`: a ZIP file of `.npy` files), unpacked one at a time.
struct NumpyArchive: Sendable {
    private struct Entry {
        var method: Int
        var checksum: UInt32
        var packedBytes: Int
        var bytes: Int
        var headerOffset: Int
    }

    /// Larger arrays are refused before they are unpacked.
    private static let maximumArrayBytes = 256 << 20
    private static let maximumEntries = 4096

    private let file: ModelFile
    private let entries: [String: Entry]

    init(_ file: ModelFile) throws(ModelFile.Flaw) {
        self.file = file
        entries = try Self.directory(of: file)
    }

    /// Names of arrays, without `.npy`, in alphabetical order.
    var names: [String] { entries.keys.sorted() }

    /// What the archive says of each array's content, in alphabetical order: equal for equal arrays.
    var fingerprint: String {
        names.compactMap { name in entries[name].map { "\(name) \($0.checksum) \($0.bytes)\n" } }.joined()
    }

    func array(_ name: String) throws(ModelFile.Flaw) -> NumpyArray {
        guard let entry = entries[name] else { throw ModelFile.Flaw(reason: "there is no array \(name)") }
        let header = entry.headerOffset
        guard try file.number(at: header, size: 4) == 0x0403_4b50 else {
            throw ModelFile.Flaw(reason: "array \(name) is not where the directory says")
        }
        // Behind the header come the name and what else there is to say.
        let lengths = (try file.count(at: header + 26, size: 2), try file.count(at: header + 28, size: 2))
        let start = header + 30 + lengths.0 + lengths.1
        let packed = try file.bytes(start..<start + entry.packedBytes)
        let bytes = entry.method == 0 ? packed : try Self.inflate(packed, count: entry.bytes)
        guard bytes.count == entry.bytes, Checksum.crc32(bytes) == entry.checksum else {
            throw ModelFile.Flaw(reason: "array \(name) is damaged")
        }
        return try NumpyArray(bytes)
    }

    private static func directory(of file: ModelFile) throws(ModelFile.Flaw) -> [String: Entry] {
        // The end record has no comment in archives that NumPy writes; others may have one of up to 64 KiB.
        var end = file.count - 22
        let lowest = max(0, end - 65_535)
        while end >= lowest, try file.number(at: end, size: 4) != 0x0605_4b50 { end -= 1 }
        guard end >= lowest else { throw ModelFile.Flaw(reason: "it is no ZIP file") }
        let count = try file.count(at: end + 10, size: 2)
        guard count <= maximumEntries else { throw ModelFile.Flaw(reason: "it has more than \(maximumEntries) arrays") }
        var entries: [String: Entry] = [:]
        var place = try file.count(at: end + 16, size: 4)
        for _ in 0..<count {
            guard try file.number(at: place, size: 4) == 0x0201_4b50 else {
                throw ModelFile.Flaw(reason: "its directory is damaged")
            }
            let lengths = (
                name: try file.count(at: place + 28, size: 2), extra: try file.count(at: place + 30, size: 2),
                comment: try file.count(at: place + 32, size: 2)
            )
            let entry = Entry(
                method: try file.count(at: place + 10, size: 2),
                checksum: UInt32(truncatingIfNeeded: try file.number(at: place + 16, size: 4)),
                packedBytes: try file.count(at: place + 20, size: 4), bytes: try file.count(at: place + 24, size: 4),
                headerOffset: try file.count(at: place + 42, size: 4))
            let name = String(decoding: try file.bytes(place + 46..<place + 46 + lengths.name), as: UTF8.self)
            guard entry.method == 0 || entry.method == 8, entry.bytes <= maximumArrayBytes else {
                throw ModelFile.Flaw(reason: "array \(name) is packed in a way that is not read, or too large")
            }
            if name.hasSuffix(".npy") { entries[String(name.dropLast(4))] = entry }
            place += 46 + lengths.name + lengths.extra + lengths.comment
        }
        return entries
    }

    /// Unpacks raw deflate data that promises `count` bytes.
    private static func inflate(_ packed: [UInt8], count: Int) throws(ModelFile.Flaw) -> [UInt8] {
        var packed = packed
        // SAFETY: zlib reads and writes within the two buffers only, which outlive the stream.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { room, filled in
            unsafe packed.withUnsafeMutableBufferPointer { input in
                var stream = unsafe z_stream()
                // SAFETY: as above.
                unsafe stream.next_in = input.baseAddress
                unsafe stream.avail_in = UInt32(clamping: input.count)
                unsafe stream.next_out = room.baseAddress
                // SAFETY: as above.
                unsafe stream.avail_out = UInt32(clamping: count)
                let size = unsafe Int32(MemoryLayout<z_stream>.size)
                guard unsafe inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, size) == Z_OK else { return }
                // SAFETY: as above.
                let isWhole = unsafe CZlib.inflate(&stream, Z_FINISH) == Z_STREAM_END
                filled = isWhole ? unsafe count - Int(stream.avail_out) : 0
                _ = unsafe inflateEnd(&stream)
            }
        }
        guard bytes.count == count else { throw ModelFile.Flaw(reason: "an array cannot be unpacked") }
        return bytes
    }
}

/// One array of NumPy's, of unsigned bytes or little-endian floats, row by row.
struct NumpyArray: Sendable {
    let shape: [Int]
    private let kind: String
    private let content: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) throws(ModelFile.Flaw) {
        guard bytes.count >= 10, bytes.starts(with: [0x93] + Array("NUMPY".utf8)) else {
            throw ModelFile.Flaw(reason: "an array is not NumPy's")
        }
        // Version 1 counts its header in two bytes, the others in four.
        let isShort = bytes[6] == 1
        let lengthBytes = bytes[8..<min(isShort ? 10 : 12, bytes.count)]
        let start = lengthBytes.endIndex + lengthBytes.reversed().reduce(0) { $0 << 8 | Int($1) }
        guard start <= bytes.count else { throw ModelFile.Flaw(reason: "an array's header is cut off") }
        let header = String(decoding: bytes[lengthBytes.endIndex..<start], as: UTF8.self)
        guard header.contains("'fortran_order': False"),
            let kind = header.firstMatch(of: /'descr': *'([^']*)'/)?.1,
            let shape = header.firstMatch(of: /'shape': *\(([^)]*)\)/)?.1,
            let size = ["|u1": 1, "|i1": 1, "<f4": 4, "<f8": 8][kind]
        else { throw ModelFile.Flaw(reason: "an array is of a kind that is not read") }
        self.kind = String(kind)
        self.shape = shape.split(separator: ",").compactMap { Int($0.filter { $0 != " " }) }
        content = bytes[start...]
        // Each factor is bounded by the content, so that the product cannot overflow.
        let isBounded = self.shape.allSatisfy { 0...content.count ~= $0 } && self.shape.count <= 4
        guard isBounded, self.shape.reduce(size, &*) == content.count else {
            throw ModelFile.Flaw(reason: "an array has not as many values as its shape says")
        }
    }

    func bytes() throws(ModelFile.Flaw) -> [UInt8] {
        guard kind == "|u1" else { throw ModelFile.Flaw(reason: "an array is \(kind), not bytes") }
        return Array(content)
    }

    /// Four or eight bytes a value.
    func floats() throws(ModelFile.Flaw) -> [Float] {
        switch kind {
        case "<f4": numbers(UInt32.self).map(Float.init(bitPattern:))
        case "<f8": numbers(UInt64.self).map { Float(Double(bitPattern: $0)) }
        default: throw ModelFile.Flaw(reason: "an array is \(kind), not floats")
        }
    }

    private func numbers<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type) -> [Number] {
        // SAFETY: reads whole numbers within the content, wherever it begins; any bits are a number.
        unsafe content.withUnsafeBytes { bytes in
            (0..<bytes.count / MemoryLayout<Number>.size).map {
                let offset = $0 * MemoryLayout<Number>.size
                // SAFETY: within the content, whatever its alignment.
                return Number(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: offset, as: type))
            }
        }
    }
}
