import MartletTasks
import MartletWire
import NIOCore
import Testing

@testable import Martlet

@Suite struct ReportTests {
    private func outcome(_ text: String) -> TaskOutcome { TaskOutcome(report: ByteBuffer(string: text)) }

    @Test("lines are found wherever the pieces are cut, and what comes last is the outcome", arguments: [1, 2, 7, 100])
    func lines(length: Int) throws {
        let bytes = Array(#"{"progress": {"percent": 10}}"#.utf8) + [10] + Array(#"{"progress": 2}"#.utf8) + [10, 10]
        let last = #"{"state": "SUCCESS", "value": "a\nb"}"#
        var lines = ReportLines()
        var found: [String] = []
        let all = bytes + Array(last.utf8)
        for start in stride(from: 0, to: all.count, by: length) {
            let piece = ByteBuffer(bytes: all[start..<min(start + length, all.count)])
            found += lines.add(piece).compactMap { $0["progress"]?.text }
        }
        #expect(found == [#"{"percent": 10}"#, "2"])
        #expect(String(buffer: lines.rest) == last)
    }

    @Test("a value keeps its bytes: numbers beyond 64 bits, the order of members")
    func success() throws {
        guard case .success(let value, let runtime) = outcome(
            #"{"state":"SUCCESS","value":{"b":123456789012345678901234567890,"a":1},"runtime":0.5}"#)
        else { throw Unexpected() }
        #expect(value.text == #"{"b":123456789012345678901234567890,"a":1}"#)
        #expect(runtime == 0.5)
    }

    @Test("an exception keeps type, module, arguments and traceback")
    func failure() throws {
        let text = #"{"state":"FAILURE","exc_type":"ValueError","exc_message":["bad",1],"traceback":"T"}"#
        guard case .failure(let failure, _) = outcome(text) else { throw Unexpected() }
        #expect(failure.type == "ValueError" && failure.module == "builtins" && failure.traceback == "T")
        #expect(failure.arguments.map(\.text) == [#""bad""#, "1"])
    }

    @Test("a retry has the delay that the task asked for, or none")
    func retry() throws {
        guard case .retry(_, delay: 60) = outcome(#"{"state":"RETRY","delay":60,"exc_type":"E"}"#),
            case .retry(_, delay: nil) = outcome(#"{"state":"RETRY","delay":null,"exc_type":"E"}"#),
            case .rejected(requeue: true, _) = outcome(#"{"state":"REJECTED","requeue":true}"#),
            case .ignored = outcome(#"{"state":"IGNORED"}"#)
        else { throw Unexpected() }
    }

    @Test("what an app has stored itself is only told on")
    func settled() throws {
        guard case .settled(let settlement) = outcome(
            #"{"settled":true,"state":"RETRY","exception":"ValueError('x')","traceback":"T","runtime":1}"#)
        else { throw Unexpected() }
        #expect(settlement.state == .retry && settlement.exception == "ValueError('x')" && settlement.runtime == 1)
    }

    @Test("an answer that is no outcome fails the task, and nothing else", arguments: ["", "{", "[]", "{}", "null"])
    func nonsense(text: String) throws {
        guard case .failure(let failure, _) = outcome(text) else { throw Unexpected() }
        #expect(failure.type == "WorkerLostError")
    }
}

/// Another case than the one that was expected.
struct Unexpected: Error {}
