import MartletLogic
import MartletTasks
import MartletWorkers

extension TaskDescription {
    /// As an app states it.
    ///
    /// - Parameter acksAsApp: A task of a Celery app is acknowledged when the app says, which is before its run unless
    ///   it says otherwise. Without it a worker that dies loses none.
    init(_ entry: TaskAppSettings.Entry, acksAsApp: Bool) {
        var rules = TaskRules(name: entry.name)
        // A text that is no rate limits nothing, as in Celery.
        rules.rateLimit = entry.rate_limit.flatMap { try? TaskRateText.parse($0) }
        rules.sharedRate = entry.rate.flatMap { try? TaskRateText.parse($0) }.map {
            SharedRateRule(key: entry.rate_key ?? entry.name, limit: $0)
        }
        rules.softLimit = entry.soft_time_limit
        rules.hardLimit = entry.time_limit
        rules.acksOnTimeout = entry.acks_on_timeout ?? true
        let isCelery = entry.settles ?? false
        if acksAsApp || !isCelery { rules.acksLate = entry.acks_late ?? true }
        if acksAsApp, isCelery { rules.returnsWhenLost = entry.reject_on_worker_lost ?? false }
        rules.retry.maximumRetries = entry.max_retries
        if let delay = entry.retry_delay { rules.retry.base = .seconds(delay) }
        rules.batch = BatchRule(size: entry.batch_size, seconds: entry.batch_timeout)
        self.init(rules: rules)
        queue = entry.queue
        if entry.unique == true { unique = UniqueRule(until: entry.unique_until, seconds: entry.unique_seconds) }
        ignoresResult = entry.ignore_result ?? false
        storesErrorsEvenIfIgnored = entry.store_errors ?? false
        tracksStarted = entry.track_started ?? false
        settlesItself = isCelery
    }
}
