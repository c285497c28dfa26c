import MartletBase
import MartletTelemetry
import Testing

@Suite struct HistogramTests {
    /// The bucket by the definition: the first whose upper end is not below the value.
    private func expected<Scale: BucketScale>(_ scale: Scale.Type, _ value: UInt64) -> Int {
        Scale.bounds.firstIndex { $0 >= value } ?? Scale.bounds.count
    }

    @Test func everyDurationFallsIntoTheBucketOfItsDefinition() {
        var values: [UInt64] = [0, 1, .max, .max - 1]
        values += DurationScale.bounds.flatMap { [$0 - 1, $0, $0 + 1] }
        values += (0..<64).flatMap { [UInt64(1) << $0, (UInt64(1) << $0) &- 1] }
        for value in values {
            #expect(DurationScale.bucket(of: value) == expected(DurationScale.self, value), "\(value) ns")
        }
    }

    @Test func everyTokenCountFallsIntoTheBucketOfItsDefinition() {
        var values: [UInt64] = [0, .max]
        values += TokenScale.bounds.flatMap { [$0 - 1, $0, $0 + 1] }
        for value in values {
            #expect(TokenScale.bucket(of: value) == expected(TokenScale.self, value), "\(value) tokens")
        }
    }

    @Test func boundsAscendAndFitTheStorage() {
        for bounds in [DurationScale.bounds, TokenScale.bounds] {
            #expect(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 })
            #expect(bounds.count <= Histogram<DurationScale>.maximumBounds)
        }
        // What lets the bucket be found with one comparison.
        #expect(zip(DurationScale.bounds, DurationScale.bounds.dropFirst()).allSatisfy { $1 >= 2 * $0 })
    }

    @Test func countSumAndCumulativeCountsAgree() {
        var histogram = Histogram<DurationScale>()
        for value: UInt64 in [50_000, 50_001, 3_000_000, 900_000_000_000] {
            histogram.observe(value)
        }
        #expect(histogram.count == 4)
        #expect(histogram.sum == 900_003_100_001)
        #expect(histogram.cumulative.first == 1)
        #expect(histogram.cumulative.last == 3)
    }

    @Test func hugeValuesWrapTheSumAndDoNotTrap() {
        var histogram = Histogram<DurationScale>()
        histogram.observe(.max)
        histogram.observe(2)
        #expect(histogram.count == 2)
        #expect(histogram.sum == 1)
    }

    @Test func enumsCountedByNumberFit() {
        func fits<Key: CaseIterable & RawRepresentable>(_ key: Key.Type) -> Bool where Key.RawValue == UInt8 {
            Key.allCases.enumerated().allSatisfy { $0 == Int($1.rawValue) } && Key.allCases.count <= 64
        }
        #expect(fits(FailureClass.self))
        #expect(fits(ErrorCode.self))
        #expect(fits(CancelPhase.self))
        #expect(fits(ConnectionKind.self) && ConnectionKind.allCases.count == 3)
        #expect(fits(PriorityClass.self) && PriorityClass.allCases.count == PoolRow().queueWait.count)
        #expect(fits(Outcome.self) && Outcome.allCases.count <= 16)
    }
}
