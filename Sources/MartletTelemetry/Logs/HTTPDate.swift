/// The wall clock as HTTP's `Date` field says it. The text is kept from one call to the next within a second.
package struct HTTPDate {
    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private var second = Int64.min
    private var text = ""

    package init() {}

    /// Such as `Sun, 06 Nov 1994 08:49:37 GMT`, for a time since 1970.
    package mutating func text(at time: WallTime) -> String {
        let current = max(0, time.milliseconds / 1000)
        guard current != second else { return text }
        second = current
        // 1994-11-06T08:49:37.000Z
        let digits = WallTimeText().bytes(of: WallTime(milliseconds: current * 1000))
        let part = { (range: Range<Int>) in String(decoding: digits[range], as: UTF8.self) }
        let month = Int(digits[5] - 48) * 10 + Int(digits[6] - 48)
        // 1970 began on a Thursday.
        let day = Self.days[Int((current / 86400 + 4) % 7)]
        text = "\(day), \(part(8..<10)) \(Self.months[month - 1]) \(part(0..<4)) \(part(11..<19)) GMT"
        return text
    }
}
