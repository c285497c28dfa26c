import MartletLogic
import Testing

/// A place whose clocks are put forward at 1:00 UTC of the first day, from 2:00 to 3:00, and back at 1:00 UTC of the
/// tenth day, from 3:00 to 2:00. Days begin at 0:00 UTC here.
@Suite struct CronZoneTests {
    private static let hour: Int64 = 3_600_000
    private static let day: Int64 = 24 * hour
    private static let (forward, back) = (hour, 10 * day + hour)

    private func zone() throws -> CronZone {
        try #require(
            CronZone([
                .init(from: -100 * Self.day, offset: 3600), .init(from: Self.forward, offset: 7200),
                .init(from: Self.back, offset: 3600),
            ]))
    }

    private func times(_ text: String, from start: Int64, count: Int) throws -> [Int64] {
        let (schedule, zone) = (try CronSchedule(text), try zone())
        var times: [Int64] = []
        var time = start
        while times.count < count, let next = schedule.next(after: time, in: zone) {
            times.append(next)
            time = next
        }
        return times
    }

    @Test func aTimeOfDayFollowsTheClocks() throws {
        // Noon is at 11:00 UTC before, and at 10:00 UTC after.
        let noons = try times("0 12 * * *", from: -Self.day, count: 3)
        #expect(noons == [-13 * Self.hour, 10 * Self.hour, 34 * Self.hour])
    }

    @Test func whatIsDueInTheHourThatIsLeftOutIsDueAtItsEnd() throws {
        let found = try times("30 2 * * *", from: 0, count: 2)
        #expect(found == [Self.forward, Self.day + Self.hour / 2])
    }

    @Test func theHourThatComesTwiceCountsOnce() throws {
        let found = try times("30 2 * * *", from: 10 * Self.day, count: 2)
        #expect(found == [10 * Self.day + Self.hour / 2, 11 * Self.day + Self.hour * 3 / 2])
    }

    @Test func aScheduleForAllHoursGoesByTheTimeThatPasses() throws {
        let forward = try times("30 * * * *", from: 0, count: 3)
        #expect(forward == [Self.hour / 2, Self.hour * 3 / 2, Self.hour * 5 / 2])
        let back = try times("*/30 * * * *", from: 10 * Self.day, count: 6)
        #expect(back == (1...6).map { 10 * Self.day + $0 * Self.hour / 2 })
    }

    @Test(arguments: ["30 2 * * *", "*/20 1-4 * * *", "0 3 * * *", "15 * * * *", "0 0 1 * *", "59 23 * * sun"])
    func whatComesNextIsWhatWasLast(text: String) throws {
        let (schedule, zone) = (try CronSchedule(text), try zone())
        for start in stride(from: -3 * Self.day, to: 14 * Self.day, by: 7 * 60_000) {
            let next = try #require(schedule.next(after: start, in: zone))
            #expect(next > start)
            #expect(schedule.last(notAfter: next, in: zone) == next)
            // Nothing lies between.
            #expect(try #require(schedule.last(notAfter: next - 1, in: zone)) <= start)
        }
    }

    @Test func spansAreInTheOrderOfTime() {
        #expect(CronZone([]) == nil)
        #expect(CronZone([.init(from: 5, offset: 0), .init(from: 5, offset: 1)]) == nil)
    }

    @Test func evenDistancesAreMultiplesSince1970() {
        let times = CronTimes.every(30_000)
        #expect(times.next(after: 29_999) == 30_000)
        #expect(times.next(after: 30_000) == 60_000)
        #expect(times.last(notAfter: 59_999) == 30_000)
        #expect(times.last(notAfter: -1) == -30_000)
        #expect(times.count(after: 0, through: 300_000, limit: 100) == 10)
        #expect(times.count(after: 0, through: 300_000, limit: 3) == 3)
        #expect(CronTimes.every(1000).next(after: .max) == nil)
    }
}
