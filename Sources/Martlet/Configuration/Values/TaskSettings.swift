package import MartletBase
package import MartletLogic
package import MartletNet
package import MartletTasks
import MartletWire

/// `tasks`: what is there only when it is written.
package struct TasksConfiguration: Sendable, Equatable {
    /// Where the queues are.
    package enum Broker: Sendable, Equatable {
        /// In this process: `tasks.broker`.
        case own(BrokerConfiguration)
        /// `tasks.broker.redis`.
        case redis(RedisURL)
    }

    package var broker = Broker.own(BrokerConfiguration())
    /// `queue`: where tasks go that name none.
    package var queue = "celery"
    /// `results`: the database of the broker in which results are.
    package var results = 0
    /// `events`: whether workers are asked to tell what they do.
    package var watchesEvents = true
    /// `acks_as_app`: whether a Celery app says which of its tasks are acknowledged before they run.
    package var acksAsApp = false
    /// `history`; nil: `off`.
    package var history: TaskHistoryConfiguration? = TaskHistoryConfiguration()
    /// `cron`.
    package var cron: [CronTask] = []
    /// `webhooks`; nil: nobody is told.
    package var webhooks: WebhookConfiguration?
    /// `autoscale.min` and `.max`.
    package var wantedWorkers = 0...100
    /// `autoscale.wait`.
    package var wait: Duration = .seconds(10)
}

/// `tasks.history`.
package struct TaskHistoryConfiguration: Sendable, Equatable {
    /// `file`; nil: beside the broker's data.
    package var file: String?
    /// `days`.
    package var days = 7
    /// `tasks`.
    package var tasks = HistoryPolicy().tasks
}

/// `tasks.webhooks`.
package struct WebhookConfiguration: Sendable, Equatable {
    /// `secret`; nil: what is told goes unsigned.
    package var secret: Secret?
    /// `private`: whether this machine and private networks may be told.
    package var allowsPrivateAddresses = false

    /// What stands before a secret in base64, as libraries that check signatures want it.
    static let base64Mark = "whsec_"

    /// The bytes that sign; nil: it says that it is base64, and is none, or is empty.
    static func key(of secret: Secret) -> [UInt8]? {
        let text = Array(secret.exposed.utf8)
        guard text.starts(with: base64Mark.utf8) else { return text }
        return Base64.decode(text[base64Mark.utf8.count...]).flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// `tasks.broker`, of Martlet's own broker. Off loopback it always has a password.
package struct BrokerConfiguration: Sendable, Equatable {
    /// `listen`; nil: 6379 of this machine, or 6380 when that is taken.
    package var listen: ListenAddress?
    /// `store`: the folder.
    package var store = ".martlet/tasks"
    /// `sync`.
    package var sync = BrokerPolicy().sync
    /// `memory`: in bytes.
    package var memory = BrokerPolicy().maximumBytes
    /// `max_deliveries`.
    package var maximumDeliveries = BrokerPolicy().maximumDeliveries
    /// `password_file`; nil: the environment may hold one.
    package var passwordFile: String?
    /// `tls`; nil: plain text.
    package var tls: TLSServerConfiguration?
}

/// `ollama`.
package struct OllamaConfiguration: Sendable, Equatable {
    /// Where its paths are served.
    package enum Serve: Sendable, Equatable {
        /// Where nothing else is.
        case free
        /// Everywhere but where the very paths are something else.
        case on
        case off
    }

    package var serve = Serve.free
    /// `models`: what clients say, to the model that is meant.
    package var models: [String: String] = [:]
}
