import MartletLogic
import Testing

/// Times were computed with another program's calendar.
@Suite struct CronScheduleTests {
    /// Milliseconds since 1970 of a minute in UTC, 2026.
    private func minute(_ month: Int, _ day: Int, _ hour: Int, _ minute: Int) -> Int64 {
        let daysBefore = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
        // 1 January 2026 is day 20,454.
        let days = Int64(20_454 + daysBefore[month - 1] + day - 1)
        return ((days * 24 + Int64(hour)) * 60 + Int64(minute)) * 60_000
    }

    // 22 November 2026 is a Sunday.
    @Test(arguments: [
        ("* * * * *", 11, 22, 10, 13), ("*/15 * * * *", 11, 22, 10, 15), ("0 * * * *", 11, 22, 11, 0),
        ("5,10,12 * * * *", 11, 22, 11, 5), ("30 4 * * *", 11, 23, 4, 30), ("0 9-17 * * mon-fri", 11, 23, 9, 0),
        ("0 0 * * 0", 11, 29, 0, 0), ("0 0 * * 7", 11, 29, 0, 0), ("0 0 1 * *", 12, 1, 0, 0),
        ("0 12 * dec *", 12, 1, 12, 0), ("0 12 * december Monday", 12, 7, 12, 0), ("10-20/5 10 * * *", 11, 22, 10, 15),
        ("0 22-1 * * *", 11, 22, 22, 0), ("0 8 * * sat-mon", 11, 23, 8, 0), ("0 8 * * tue-thu", 11, 24, 8, 0),
        ("0 0 */10 * *", 12, 1, 0, 0), ("0\t0  31  *  *", 12, 31, 0, 0), ("59 23 31 12 *", 12, 31, 23, 59),
        ("0 8 * nov-feb fri", 11, 27, 8, 0), // Both days must fit.
        ("0 0 13 * sun", 12, 13, 0, 0),
    ])
    func theNextTimeFits(text: String, month: Int, day: Int, hour: Int, at: Int) throws {
        #expect(try CronSchedule(text).next(after: minute(11, 22, 10, 12)) == minute(month, day, hour, at))
    }

    @Test(arguments: [
        "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *",
        "* * * * 8", "*/0 * * * *", "5/2 * * * *", "a * * * *", "1- * * * *", "-1 * * * *", ", * * * *", "1,,2 * * * *",
        "* * * mon *", "* * * * jan", "1-2-3 * * * *", "*/x * * * *", "+1 * * * *", "* * * * mo", "**/2 * * * *",
    ])
    func whatIsNoScheduleIsRefused(text: String) {
        #expect(throws: CronFlaw.self) { try CronSchedule(text) }
    }

    @Test func aFlawNamesItsField() {
        let field = #expect(throws: CronFlaw.self) { try CronSchedule("* * * * 8") }
        #expect(field?.field == .weekday && field?.text == "8")
        let whole = #expect(throws: CronFlaw.self) { try CronSchedule("* *") }
        #expect(whole?.field == nil && whole?.text == "* *")
    }

    @Test func theTimeIsAfterTheOneThatIsGivenToTheMillisecond() throws {
        let schedule = try CronSchedule("0 * * * *")
        let hour = minute(11, 22, 10, 0)
        #expect(schedule.next(after: hour - 1) == hour)
        #expect(schedule.next(after: hour) == hour + 3_600_000)
        #expect(schedule.last(notAfter: hour) == hour)
        #expect(schedule.last(notAfter: hour - 1) == hour - 3_600_000)
    }

    @Test func zonesAreOffsets() throws {
        let schedule = try CronSchedule("0 8 * * mon")
        // Monday, eight o'clock, in New York in winter, in Kathmandu, and west of the date line.
        let after = minute(11, 22, 10, 12)
        #expect(schedule.next(after: after, offset: -5 * 3600) == minute(11, 23, 13, 0))
        #expect(schedule.next(after: after, offset: 20_700) == minute(11, 23, 2, 15))
        #expect(schedule.next(after: after, offset: 14 * 3600) == minute(11, 22, 18, 0))
    }

    @Test func leapDaysAreFoundAndDaysThatNeverComeAreNot() throws {
        let leap = try CronSchedule("0 0 29 2 *")
        // 29 February 2028.
        #expect(leap.next(after: minute(11, 22, 0, 0)) == 1_835_395_200_000)
        #expect(leap.last(notAfter: minute(11, 22, 0, 0)) == 1_709_164_800_000)
        let never = try CronSchedule("0 0 30 2 *")
        #expect(never.next(after: 0) == nil && never.last(notAfter: 0) == nil)
    }

    @Test func itHoldsBefore1970AndForAnyNumber() throws {
        let schedule = try CronSchedule("0 0 * * thu")
        #expect(schedule.next(after: -1) == 0)
        #expect(schedule.last(notAfter: -1) == -7 * 86_400_000)
        for time in [Int64.min, .max] { _ = (schedule.next(after: time), schedule.last(notAfter: time)) }
    }

    @Test func forwardAndBackwardAgree() throws {
        let texts = ["*/7 3-5 * * *", "0 0 1,15 * *", "30 6 * feb-apr 1-5", "13 */5 31 * *"]
        for text in texts {
            let schedule = try CronSchedule(text)
            var time = minute(1, 1, 0, 0)
            for _ in 0..<200 {
                guard let next = schedule.next(after: time, offset: 3600) else {
                    Issue.record("\(text) ends")
                    return
                }
                #expect(schedule.last(notAfter: next, offset: 3600) == next)
                #expect(schedule.last(notAfter: next - 1, offset: 3600) ?? .min <= time)
                time = next
            }
        }
    }
}
