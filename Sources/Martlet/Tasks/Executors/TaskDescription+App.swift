import MartletLogic
import MartletTasks
import MartletWorkers

extension TaskDescription {
    /// As an app states it. Tasks are acknowledged after they ran, whatever it says: a worker that dies loses none.
    init(_ entry: TaskAppSettings.Entry) {
        var rules = TaskRules(name: entry.name)
        // A text that is no rate limits nothing, as in Celery.
        rules.rateLimit = entry.rate_limit.flatMap { try? TaskRateText.parse($0) }
        rules.sharedRate = entry.rate.flatMap { try? TaskRateText.parse($0) }.map {
            SharedRateRule(key: entry.rate_key ?? entry.name, limit: $0)
        }
        rules.softLimit = entry.soft_time_limit
        rules.hardLimit = entry.time_limit
        rules.acksOnTimeout = entry.acks_on_timeout ?? true
        rules.retry.maximumRetries = entry.max_retries
        if let delay = entry.retry_delay { rules.retry.base = .seconds(delay) }
        rules.batch = BatchRule(size: entry.batch_size, seconds: entry.batch_timeout)
        self.init(rules: rules)
        queue = entry.queue
        if entry.unique == true { unique = UniqueRule(until: entry.unique_until, seconds: entry.unique_seconds) }
        ignoresResult = entry.ignore_result ?? false
        storesErrorsEvenIfIgnored = entry.store_errors ?? false
        tracksStarted = entry.track_started ?? false
        settlesItself = entry.settles ?? false
    }
}
