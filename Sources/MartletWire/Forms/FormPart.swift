/// What a part of a form says before its content.
public struct FormPart: Sendable, Equatable {
    /// Of the field.
    public var name: String
    /// As its sender calls the file, and never a path of ours; nil: it is no file.
    public var filename: String?
    /// As its sender believes.
    public var contentType: String?

    public init(name: String, filename: String? = nil, contentType: String? = nil) {
        self.name = name
        self.filename = filename
        self.contentType = contentType
    }

    /// - Parameter head: Lines, each ended by CRLF. nil: the part has no name.
    init?(head: String) {
        var disposition: MediaType?
        var type: String?
        for line in head.split(separator: "\r\n") {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            switch parts[0].lowercased() {
            case "content-disposition": disposition = MediaType(parts[1])
            case "content-type": type = String(parts[1].drop { $0 == " " || $0 == "\t" })
            default: break
            }
        }
        guard let parameters = disposition?.parameters, let name = parameters["name"] else { return nil }
        self.init(name: Self.unescaped(name), contentType: type)
        filename = parameters["filename*"].flatMap(Self.extended) ?? parameters["filename"].map(Self.unescaped)
    }

    /// Browsers and Python's clients write a quote and line ends so, and nothing else.
    private static func unescaped(_ text: String) -> String {
        guard text.utf8.contains(0x25) else { return text }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == 0x25, let value = hexadecimal(rest.prefix(2)), [0x22, 0x0d, 0x0a].contains(value) else {
                bytes.append(byte)
                continue
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `UTF-8''%E5%B9%B4.pdf` (RFC 8187); nil for other character sets.
    private static func extended(_ text: String) -> String? {
        let parts = text.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].lowercased() == "utf-8" else { return nil }
        var bytes: [UInt8] = []
        var rest = Array(parts[2].utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == 0x25 else {
                bytes.append(byte)
                continue
            }
            guard let value = hexadecimal(rest.prefix(2)) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt8? {
        guard digits.count == 2, let first = digits.first, let last = digits.last,
            let high = Characters.hexValue(first), let low = Characters.hexValue(last)
        else { return nil }
        return high << 4 | low
    }
}
