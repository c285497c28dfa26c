import ArgumentParser
import Foundation
import Martlet

/// Says what is wrong with a configuration, and ends with the exit status for it.
func tellingMistakes<Value>(_ body: () throws -> Value) throws -> Value {
    do {
        return try body()
    } catch let error as ConfigurationError {
        FileHandle.standardError.write(Data("\(error)\n".utf8))
        throw ExitCode(2)
    }
}
