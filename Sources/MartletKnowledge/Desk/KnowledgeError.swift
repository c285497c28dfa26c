/// Why a knowledge base did not do what it was asked to.
package struct KnowledgeError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// There is no such base, document or file.
        case notFound = "not_found"
        case alreadyExists = "already_exists"
        /// A name, size or value that is not allowed.
        case invalid = "invalid"
        /// A file that cannot be read as what it is: the sentence names it.
        case unreadable = "unreadable"
        /// A file, text or request above its bound.
        case tooLarge = "too_large"
        /// Vectors of another model than the base's.
        case wrongModel = "wrong_model"
        /// The model, or the shared store, does not answer.
        case unavailable = "unavailable"
        /// Another process has the store.
        case inUse = "in_use"
        /// Too many at a time: to be tried again.
        case overloaded = "overloaded"
        /// Disk, or our own fault.
        case failed = "failed"
    }

    package var code: Code
    /// A whole sentence for people.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
