/// Gathers all that is wrong while a configuration is read.
final class ProblemList {
    /// More are counted, not told.
    static let maximumTold = 100

    let file: String
    private var problems: [ConfigurationProblem] = []
    private var seen: Set<Place> = []

    private struct Place: Hashable {
        var path: String
        var origin: ConfigurationOrigin?
    }

    init(file: String) {
        self.file = file
    }

    /// Only the first problem of a place is kept: what follows there mostly follows from it.
    func add(_ message: String, at path: SettingPath, origin: ConfigurationOrigin?) {
        let problem = ConfigurationProblem(file: file, origin: origin, path: path.text, message: message)
        if seen.insert(Place(path: problem.path, origin: origin)).inserted { problems.append(problem) }
    }

    /// All of them as one error, in the order of the file; nil when there are none.
    var error: ConfigurationError? {
        guard !problems.isEmpty else { return nil }
        let ordered = problems.enumerated().sorted {
            (Self.rank($0.element), $0.offset) < (Self.rank($1.element), $1.offset)
        }
        var told = ordered.prefix(Self.maximumTold).map(\.element)
        if problems.count > Self.maximumTold {
            let message = "and \(problems.count - Self.maximumTold) more problems"
            told.append(ConfigurationProblem(file: file, origin: nil, path: "", message: message))
        }
        return ConfigurationError(problems: told)
    }

    private static func rank(_ problem: ConfigurationProblem) -> Int {
        switch problem.origin {
        case .line(let line): line
        case .option: 0
        case .variable: Int.max - 1
        case nil: Int.max
        }
    }
}
