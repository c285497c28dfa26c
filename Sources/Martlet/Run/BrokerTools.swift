import Foundation
import MartletBase
package import MartletNet
import MartletTasks
import NIOPosix

/// What is done with a broker's data from outside: `martlet broker copy`, `backup` and `restore`.
package enum BrokerTools {
    /// A password that a file holds, for a URL that says none: the command line is everybody's to read.
    package static func url(_ text: String, passwordFile: String?) throws -> RedisURL {
        var url = try RedisURL(text)
        if let passwordFile, let password = try BrokerOptions.password(file: passwordFile, environment: [:]) {
            url.password = Secret(password)
        }
        return url
    }

    /// What was copied, for the person who asked, and whether that is everything.
    package static func copy(
        from source: RedisURL, to destination: RedisURL, intoExisting: Bool
    ) async throws -> (text: String, isComplete: Bool) {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let report = try await BrokerCopy.run(from: source, to: destination, intoExisting: intoExisting, on: loop)
        return (report.text, report.isComplete)
    }

    /// - Parameter data: nil: where a broker keeps its data when nobody says otherwise.
    package static func backup(to file: String, data: String?) throws -> String {
        let data = data ?? BrokerOptions.usualFolder(ProcessInfo.processInfo.environment)
        guard FileManager.default.fileExists(atPath: data) else {
            throw BrokerMistake("\(data): there is no such folder; say where the broker's data is with --data")
        }
        let place = URL(fileURLWithPath: file)
        let contents = try BrokerBackup.make(
            of: data, place.lastPathComponent, in: place.deletingLastPathComponent().path)
        return "\(file): \(text(contents)); read again and whole"
    }

    package static func restore(_ file: String, data: String) throws -> String {
        guard FileManager.default.fileExists(atPath: file) else {
            throw BrokerMistake("\(file): there is no such file")
        }
        let (place, folder) = (URL(fileURLWithPath: file), URL(fileURLWithPath: data))
        try FileManager.default.createDirectory(
            at: folder.deletingLastPathComponent(), withIntermediateDirectories: true)
        let contents = try BrokerBackup.restore(
            place.lastPathComponent, in: place.deletingLastPathComponent().path, to: folder.path)
        return "\(data): \(text(contents)); start it with `martlet broker --data \(data)`"
    }

    private static func text(_ contents: BrokerBackup.Contents) -> String {
        "\(contents.keys) keys, \(contents.messages) messages for workers, \(contents.deadLetters) dead letters"
    }
}
