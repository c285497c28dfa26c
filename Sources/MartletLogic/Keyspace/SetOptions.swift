/// The options of `SET` and `GETEX`.
struct SetOptions {
    enum Condition { case none, ifAbsent, ifPresent }

    private(set) var condition = Condition.none
    private(set) var answersOld = false
    private(set) var keepsExpiry = false
    private(set) var persists = false
    /// The option that was named, perhaps twice, and its last value.
    private var duration: (option: String, text: Bytes)?

    init(_ call: Call, from first: Int) throws(CommandRefusal) {
        let isSet = call.command == .set
        var index = first
        while index < call.count {
            let option = call.option(index)
            switch option {
            case "nx" where isSet && condition != .ifPresent: condition = .ifAbsent
            case "xx" where isSet && condition != .ifAbsent: condition = .ifPresent
            case "get" where isSet: answersOld = true
            case "keepttl" where isSet && duration == nil: keepsExpiry = true
            case "persist" where !isSet && duration == nil: persists = true
            case "ex", "px", "exat", "pxat":
                guard duration?.option ?? option == option, !keepsExpiry, !persists else { throw .syntax }
                duration = (option, try call.value(after: index))
                index += 1
            default: throw .syntax
            }
            index += 1
        }
    }

    /// When the key ends, in milliseconds since 1970; nil when that is not said.
    func expiry(_ call: Call) throws(CommandRefusal) -> Int64? {
        guard let duration else { return nil }
        let unit = duration.option.hasPrefix("p") ? ExpiryUnit.milliseconds : .seconds
        return try call.expiry(duration.text, unit: unit, isAbsolute: duration.option.hasSuffix("at"))
    }
}

enum ExpiryUnit: Int64 { case milliseconds = 1, seconds = 1000 }

extension Call {
    var invalidExpiry: CommandRefusal { CommandRefusal("invalid expire time in '\(command.rawValue)' command") }

    /// When a key ends that is set now, in milliseconds since 1970: in the future, or at a positive point of time.
    func expiry(_ text: Bytes, unit: ExpiryUnit, isAbsolute: Bool) throws(CommandRefusal) -> Int64 {
        guard let number = NumberText.integer(text) else { throw .notAnInteger }
        guard number > 0 else { throw invalidExpiry }
        return try expiry(number, unit: unit, isAbsolute: isAbsolute)
    }

    func expiry(_ number: Int64, unit: ExpiryUnit, isAbsolute: Bool) throws(CommandRefusal) -> Int64 {
        let (milliseconds, isTooLong) = number.multipliedReportingOverflow(by: unit.rawValue)
        let (end, isTooLate) = milliseconds.addingReportingOverflow(isAbsolute ? 0 : now)
        guard !isTooLong, !isTooLate else { throw invalidExpiry }
        return min(end, Database.never - 1)
    }
}
