/// Why a message cannot be run, in words for whoever sent it.
public struct TaskMessageFlaw: Error, Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
        /// It is no envelope of a task.
        case envelope(CeleryFlaw)
        /// It is an envelope, and of something else: an event, a reply.
        case noTask
        /// Its body is of another kind than JSON, named so by its sender.
        case contentType(String)
        /// Its body is compressed in another way than zlib's.
        case compression(String)
        /// Its body is encoded in another way than base64.
        case bodyEncoding(String)
        /// Its body is not what its headers say it is.
        case body(String)
    }

    public var kind: Kind
    /// What is known of the task all the same, for the result that tells its sender.
    public var id: String?
    public var name: String?

    public init(_ kind: Kind, id: String? = nil, name: String? = nil) {
        self.kind = kind
        self.id = id
        self.name = name
    }

    /// Whether a Celery app can read the body although we cannot: it is compressed or serialized in another way. Never
    /// pickle, which would run code of its sender.
    var isForOthers: Bool {
        switch kind {
        case .contentType(let type): type != Self.pickle
        case .compression: true
        case .envelope, .noTask, .bodyEncoding, .body: false
        }
    }

    private static let pickle = "application/x-python-serialize"

    /// What is wrong, with the remedy where there is one.
    public var text: String {
        switch kind {
        case .envelope(let flaw): flaw.text
        case .noTask: "it names no task"
        case .contentType(let type): Self.refusal(of: type)
        case .compression(let name):
            "its body is compressed as \(name): set task_compression = 'gzip' (zlib) or None in the producer"
        case .bodyEncoding(let name): "its body is encoded as \(name): base64, or the text itself, can be read"
        case .body(let what): what
        }
    }

    private static func refusal(of type: String) -> String {
        let remedy = "set task_serializer = 'json' in the producer"
        switch type {
        case pickle:
            return "its content type is \(type) (pickle), which would run code of its sender: \(remedy)"
        case "application/x-yaml", "application/x-msgpack":
            return "its content type is \(type), and only application/json is read: \(remedy)"
        default: return "its content type is '\(type)', and only application/json is read: \(remedy)"
        }
    }
}
