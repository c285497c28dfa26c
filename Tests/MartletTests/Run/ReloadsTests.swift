import MartletConsole
import Testing

@testable import Martlet

@Suite("Reloads", .timeLimit(.minutes(1)))
struct ReloadsTests {
    @Test("each one is answered, one after the other")
    func answers() async {
        let reloads = Reloads()
        let role = Task { await reloads.answer { .unchanged } }
        await withTaskGroup(of: ReloadResult.self) { askers in
            for _ in 0..<20 { askers.addTask { await reloads.ask() } }
            for await result in askers { #expect(result == .unchanged) }
        }
        role.cancel()
        await role.value
    }

    @Test("who asks when nobody reloads any more is answered all the same")
    func afterTheEnd() async {
        let reloads = Reloads()
        let role = Task { await reloads.answer { .unchanged } }
        role.cancel()
        // Asked before the end or after it: nobody may wait for ever.
        let early = Task { await reloads.ask() }
        await role.value
        guard case .refused(let reason) = await reloads.ask() else {
            Issue.record("it was not refused")
            return
        }
        #expect(reason.contains("told to stop"))
        _ = await early.value
    }
}
