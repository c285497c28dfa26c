/// What a rule found. Bans nothing without saying what to do instead.
struct Violation: Hashable, CustomStringConvertible {
    var path: String
    /// 1 is the first.
    var line: Int
    var what: String
    var instead: String
    var why: String

    var description: String { "\(path):\(line): \(what); \(instead) (\(why))" }
}
