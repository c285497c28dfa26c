package import ArgumentParser
import Dispatch
import Foundation

#if canImport(Glibc)
import Glibc
#endif

/// `martlet demo`: shows that can be tried at once.
package struct DemoCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Shows to try at once.", subcommands: [StormCommand.self])

    package init() {}
}

/// `martlet demo storm`.
package struct StormCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "storm",
        abstract: "The same storm through nginx and through Martlet, side by side.",
        discussion: """
            Two mock backends; many streams, a part of whose clients leave at a random moment; and one backend that \
            takes everything and answers nothing for a third of the time. nginx has the file that many copy for \
            Langchain-Chatchat, Martlet the same in its own words. Everything runs on this machine, in a temporary \
            folder and on ports that are free, and ends with the command.
            """)

    @Option(help: "Clients at one time.") var streams = 1000
    @Option(help: "How long each side is stormed.") var seconds = 20.0
    @Option(help: "One side alone: martlet or nginx.") var only: String?
    @Option(help: "Draw both sides over time into this file, as SVG.") var svg: String?
    @Flag(help: "Results as JSON.") var json = false

    package init() {}

    package func run() async throws {
        var options = StormOptions()
        guard streams > 0, seconds >= 2, seconds <= 3600 else {
            throw ValidationError("--streams must be at least 1 and --seconds from 2 to 3600")
        }
        options.streams = streams
        options.seconds = seconds
        let notes = Notes()
        options.sides = try sides(notes)
        let storm = try Storm(options) { notes.say($0) }
        let signals = [SIGINT, SIGTERM].map { (number: CInt) -> any DispatchSourceSignal in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                storm.clear()
                Glibc.exit(128 + number)
            }
            source.resume()
            return source
        }
        let outcomes = try await storm.run()
        for source in signals { source.cancel() }
        if let svg { try OutputFile.write(storm.plot(outcomes).svg, to: svg) }
        if json {
            var object = JSONObject()
            for outcome in outcomes { object.set(outcome.side.rawValue, outcome.result.json) }
            print(object.text)
        } else {
            print(StormTable.text(outcomes.map { ($0.side, $0.result) }))
        }
    }

    private func sides(_ notes: Notes) throws -> [StormSide] {
        if let only {
            guard let side = StormSide(rawValue: only) else {
                throw ValidationError("--only must be martlet or nginx, not '\(only)'")
            }
            return [side]
        }
        guard StormProcess.find("nginx") != nil else {
            notes.say("nginx is not installed (sudo apt-get install nginx-light): Martlet alone")
            return [.martlet]
        }
        return StormSide.allCases
    }
}

/// What is said on the way goes to standard error: the result has standard output for itself.
private struct Notes: Sendable {
    func say(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}
