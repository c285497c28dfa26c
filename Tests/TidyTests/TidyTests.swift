import Testing

/// The rules of the house that a machine can keep. Each failure names the place and what to do instead.
@Suite struct TidyTests {
    private let repository = Repository()

    private func expectNone(_ violations: [Violation]) {
        #expect(violations.isEmpty, Comment(rawValue: "\n" + violations.map(\.description).joined(separator: "\n")))
    }

    @Test func sourcesAreFound() throws {
        #expect(try repository.swiftSources(below: "Sources/MartletBase").count > 3)
    }

    @Test func roomsLookDownTheStairs() throws {
        expectNone(try repository.swiftSources(below: "Sources").flatMap(ImportRule.check))
    }

    @Test func dangersStateTheirReason() throws {
        expectNone(try repository.swiftSources(below: "Sources").flatMap(SafetyRule.check))
    }

    @Test func theDataPlaneRunsOnEventLoops() throws {
        expectNone(try repository.swiftSources(below: "Sources").flatMap(DataPlaneRule.check))
    }

    @Test(arguments: ["Sources", "Tests", "Benchmarks"])
    func piecesAreSmall(folder: String) throws {
        guard repository.exists(folder) else { return }
        expectNone(try repository.swiftSources(below: folder).flatMap(SizeRule.check))
    }

    @Test(arguments: ["Sources", "Tests", "Benchmarks"])
    func nothingIsPutOff(folder: String) throws {
        guard repository.exists(folder) else { return }
        expectNone(try repository.swiftSources(below: folder).flatMap { LeftoverRule.check($0) })
    }

    @Test func noMachineAndNoRegistryIsNamed() throws {
        expectNone(try repository.files(below: "").flatMap { LeftoverRule.check($0) })
    }

    @Test func everyRoomExplainsItself() throws {
        expectNone(try RoomRule.missingReadmes(repository))
    }

    @Test func everyMetricIsExplained() throws {
        let files = try ["Sources/MartletTelemetry/Catalogue/Series.swift", "docs/metrics.md"].map {
            Repository.File(path: $0, text: try repository.text($0))
        }
        expectNone(RoomRule.metrics(catalogue: files[0], document: files[1]))
    }
}
