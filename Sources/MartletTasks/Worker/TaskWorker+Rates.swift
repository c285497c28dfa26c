import Logging
import MartletBase
import MartletLogic

/// So many tasks could begin, if the rate that they share allows it.
struct RateQuestion: Sendable {
    var rule: SharedRateRule
    var count: Int
}

/// The role that asks the broker how many tasks may begin by rates that all workers keep together.
extension TaskWorker {
    /// After so long a broker that did not answer is asked again; nothing begins meanwhile.
    private static let pauseOfRates = Duration.seconds(1)

    func askForRates() async {
        for await questions in rateQuestions {
            do {
                let answers = try await broker.mayBegin(questions.map { ($0.rule, $0.count) })
                heardFromBroker(took: false)
                change { state, now in
                    zip(questions, answers).flatMap { question, answer in
                        state.desk.granted(question.rule.key, answer.count, again: answer.wait, now: now)
                    }
                }
            } catch {
                logger.debug("a rate cannot be asked for", metadata: ["error": "\(error)"])
                change { state, now in
                    questions.flatMap { state.desk.granted($0.rule.key, 0, again: Self.pauseOfRates, now: now) }
                }
            }
        }
    }
}
