/// The first line of each own script's text, as `-- martlet finish 2`: by it a broker knows that a script which it does
/// not know is one of another version of Martlet's.
public struct ScriptHeader: Sendable, Equatable {
    private static let mark = "-- martlet "
    private static let longest = 80

    public var name: String
    public var version: Int

    public init(name: String, version: Int) {
        self.name = name
        self.version = version
    }

    /// nil: it is no script of Martlet's.
    public init?(text: Bytes) {
        let line = text.array.prefix(Self.longest).prefix { $0 != UInt8(ascii: "\n") }
        guard line.starts(with: Self.mark.utf8) else { return nil }
        let words = line.dropFirst(Self.mark.utf8.count).split(separator: UInt8(ascii: " "))
        guard words.count == 2, let version = Int(String(decoding: words[1], as: UTF8.self)) else { return nil }
        self.init(name: String(decoding: words[0], as: UTF8.self), version: version)
    }

    /// With its end.
    public var line: String { "\(Self.mark)\(name) \(version)\n" }
}

extension OwnScript {
    /// One more with each change of its text.
    public var version: Int {
        switch self {
        case .finish, .bury, .withdraw: 2
        case .take, .tell, .renew, .giveBack, .restore, .rate, .claim, .free, .enter: 1
        }
    }

    var header: ScriptHeader { ScriptHeader(name: rawValue, version: version) }
}
