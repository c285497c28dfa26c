/// The members of a JSON object in their order, each value as it stands in the text.
public struct RawObject: Sendable, Hashable {
    public struct Member: Sendable, Hashable {
        public var name: String
        public var value: RawJSON
    }

    public private(set) var members: [Member] = []

    public init() {}

    /// nil: it is no object.
    public init?(_ json: RawJSON) {
        guard json.isObject else { return nil }
        let span = json.bytes.span
        var index = 1
        var places: [String: Int] = [:]
        guard !JSONCheck.take(span, &index, UInt8(ascii: "}")) else { return }
        repeat {
            JSONCheck.skipBlanks(span, &index)
            let start = index
            guard JSONCheck.string(span, &index) else { return nil }
            let name = RawJSON.unquoted(json.part(start..<index).bytes)
            guard JSONCheck.take(span, &index, UInt8(ascii: ":")), let range = JSONCheck.range(span, from: index)
            else { return nil }
            index = range.upperBound
            if let place = places[name] {
                members[place].value = json.part(range)
            } else {
                places[name] = members.count
                members.append(Member(name: name, value: json.part(range)))
            }
        } while JSONCheck.take(span, &index, UInt8(ascii: ","))
    }

    public init(_ members: [(String, RawJSON)]) {
        for (name, value) in members { self[name] = value }
    }

    public var isEmpty: Bool { members.isEmpty }

    /// What is set anew keeps its place; nil takes it away.
    public subscript(_ name: String) -> RawJSON? {
        get { members.first { $0.name == name }?.value }
        set {
            let place = members.firstIndex { $0.name == name }
            switch (place, newValue) {
            case (let place?, let value?): members[place].value = value
            case (let place?, nil): members.remove(at: place)
            case (nil, let value?): members.append(Member(name: name, value: value))
            case (nil, nil): break
            }
        }
    }

    /// The value of `name` when it is there and is not null.
    public func present(_ name: String) -> RawJSON? {
        guard let value = self[name], !value.isNull else { return nil }
        return value
    }

    /// Takes a member out.
    mutating func remove(_ name: String) -> RawJSON? {
        defer { self[name] = nil }
        return self[name]
    }

    /// As ``remove(_:)``; nil also when it is null.
    mutating func removePresent(_ name: String) -> RawJSON? {
        defer { self[name] = nil }
        return present(name)
    }

    /// The members of `other` over these.
    func merged(_ other: RawObject) -> RawObject {
        var merged = self
        for member in other.members { merged[member.name] = member.value }
        return merged
    }

    /// How many bytes its names and values have.
    var weight: Int {
        members.reduce(0) { $0 + $1.name.utf8.count + $1.value.bytes.count }
    }

    public var json: RawJSON {
        var writer = PythonJSON()
        writer.write(self)
        return RawJSON(unchecked: writer.bytes[...])
    }
}
