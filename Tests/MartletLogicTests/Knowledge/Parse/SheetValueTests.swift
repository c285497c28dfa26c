import MartletLogic
import Testing

@Suite struct SheetValueTests {
    @Test(arguments: [
        (1.0, "1900-01-01"), (59, "1900-02-28"), (61, "1900-03-01"), (36_526, "2000-01-01"), (45_351, "2024-02-29"),
        (45_352.75, "2024-03-01 18:00"), (45_351.9999999, "2024-03-01"), (2_958_465, "9999-12-31"), (-1, "-1"), (1e300, "1e+300"),
    ])
    func `days are dates`(days: Double, date: String) {
        #expect(SheetValue.text(days, as: .date) == date)
    }

    @Test func `a workbook may count from 1904`() {
        #expect(SheetValue.text(0, as: .date, from1904: true) == "1904-01-01")
        #expect(SheetValue.text(43_889.5, as: .moment, from1904: true) == "2024-02-29 12:00")
    }

    @Test(arguments: [
        (0.1 + 0.2, "0.3"), (1234567.891, "1234567.891"), (5, "5"), (-0.5, "-0.5"), (1e15, "1000000000000000"), (.nan, "nan"),
        (123456789012, "123456789012"), (0.00001, "1e-05"),
    ])
    func `numbers have no digits that nobody typed`(number: Double, text: String) {
        #expect(SheetValue.text(number, as: .number) == text)
    }

    @Test func `shares and times are as they are shown`() {
        #expect(SheetValue.text(0.07, as: .percent) == "7%")
        #expect(SheetValue.text(0.520138888888889, as: .time) == "12:29")
        #expect(SheetValue.text(1.5, as: .time) == "36:00")
    }

    @Test(arguments: [
        ("yyyy\"年\"m\"月\"d\"日\"", SheetFormat.date), ("[$-804]yyyy/m/d;@", .date), ("h:mm AM/PM", .time), ("[h]:mm:ss", .time),
        ("yyyy-mm-dd hh:mm", .moment), ("0.00%", .percent), ("#,##0.00\"元\"", .number), ("[Red]0.0", .number),
        ("General", .number), ("\"day\" 0", .number), ("0;[Red]\"d\"", .number), ("mmm", .date), ("\\d0", .number),
    ])
    func `a format says what its number is`(code: String, format: SheetFormat) {
        #expect(SheetFormat(id: 170, code: code) == format)
    }

    @Test func `columns have letters`() {
        #expect(["A1", "Z9", "AA1", "XFD1", "XFE1", "12", ""].map { SheetValue.column($0) } == [0, 25, 26, 16_383, nil, nil, nil])
    }
}
