/// The one list of everything Martlet counts: a series exists because it has a case here, and `docs/metrics.md` names
/// the same ones (a test compares them).
///
/// Names follow Prometheus; the `gen_ai_…` ones are OpenTelemetry's GenAI names in Prometheus' spelling.
package enum Series: String, CaseIterable, Sendable {
    // Requests, from the record that closes each one
    case requests = "martlet_requests_total"
    case requestDuration = "martlet_request_duration_seconds"
    case timeToFirstByte = "martlet_time_to_first_byte_seconds"
    case interEvent = "martlet_inter_event_seconds"
    case queueWait = "martlet_queue_wait_seconds"
    case cancelled = "martlet_cancelled_total"
    case errors = "martlet_errors_total"
    case requestBytes = "martlet_request_body_bytes_total"
    case responseBytes = "martlet_response_body_bytes_total"
    // Attempts at targets
    case connect = "martlet_connect_seconds"
    case attempts = "martlet_upstream_attempts_total"
    case retries = "martlet_retries_total"
    case failures = "martlet_failures_total"
    // Model work
    case tokens = "martlet_tokens_total"
    case tokenUsage = "gen_ai_client_token_usage"
    case operationDuration = "gen_ai_client_operation_duration_seconds"
    case timeToFirstChunk = "gen_ai_client_operation_time_to_first_chunk_seconds"
    // The state of pools and targets, read at scrape time
    case inFlight = "martlet_in_flight"
    case queueLength = "martlet_queue_length"
    case targetUp = "martlet_target_up"
    case breakerState = "martlet_breaker_state"
    // The workers of the apps that are served
    case workers = "martlet_workers"
    case workerRequests = "martlet_worker_requests"
    case workersRecycled = "martlet_workers_recycled_total"
    case workerResident = "martlet_worker_resident_bytes"
    case workerDescriptors = "martlet_worker_descriptors"
    case sharedMemory = "martlet_workers_shared_memory_bytes"
    case computeSaved = "martlet_compute_seconds_saved_total"
    case computeWasted = "martlet_compute_seconds_wasted_total"
    case appMetric = "martlet_app_metric"
    // The broker of tasks
    case taskMessages = "martlet_task_queue_messages"
    case taskOldest = "martlet_task_queue_oldest_seconds"
    case taskPublished = "martlet_task_queue_published_total"
    case taskDelivered = "martlet_task_queue_delivered_total"
    case taskWait = "martlet_task_queue_wait_seconds_total"
    case taskReturned = "martlet_task_returned_total"
    case taskDeadLetters = "martlet_task_dead_letters_total"
    case brokerConnections = "martlet_broker_connections"
    case brokerOpened = "martlet_broker_connections_opened_total"
    case brokerCommands = "martlet_broker_commands_total"
    case brokerMemory = "martlet_broker_memory_bytes"
    case brokerSync = "martlet_broker_sync_seconds"
    case brokerRecords = "martlet_broker_records_total"
    case brokerJournal = "martlet_broker_journal_bytes_total"
    case brokerReplay = "martlet_broker_replay_bytes"
    case brokerSnapshots = "martlet_broker_snapshots_total"
    case brokerFailures = "martlet_broker_write_failures_total"
    // What became of tasks
    case taskHistoryTasks = "martlet_task_history_tasks"
    case taskHistoryWritten = "martlet_task_history_written_total"
    case taskHistoryMissed = "martlet_task_history_missed_total"
    case taskHistoryFailures = "martlet_task_history_failures_total"
    // Tasks that are handed in again and again
    case cronLeader = "martlet_cron_leader"
    case cronRuns = "martlet_cron_runs_total"
    case cronMissed = "martlet_cron_missed_total"
    // The workers of tasks
    case taskWorkerReady = "martlet_task_worker_ready"
    case taskWorkerSlots = "martlet_task_worker_slots"
    case taskWorkerTasks = "martlet_task_worker_tasks"
    case taskRuns = "martlet_task_runs_total"
    case taskRunSeconds = "martlet_task_run_seconds_total"
    case taskOldestRun = "martlet_task_oldest_run_seconds"
    case taskEventsDropped = "martlet_task_events_dropped_total"
    // Knowledge
    case knowledgeBases = "martlet_knowledge_bases"
    case knowledgeDocuments = "martlet_knowledge_documents"
    case knowledgeChunks = "martlet_knowledge_chunks"
    case knowledgeAge = "martlet_knowledge_index_age_seconds"
    case knowledgeSearch = "martlet_knowledge_search_seconds"
    case knowledgeAnswers = "martlet_knowledge_answers_total"
    case knowledgeUnderWay = "martlet_knowledge_answers_under_way"
    case knowledgeCache = "martlet_knowledge_cache_answers_total"
    case knowledgeInWork = "martlet_knowledge_documents_in_work"
    case knowledgeIngestedDocuments = "martlet_knowledge_ingested_documents_total"
    case knowledgeIngestedChunks = "martlet_knowledge_ingested_chunks_total"
    case knowledgeIngestedBytes = "martlet_knowledge_ingested_bytes_total"
    case knowledgeEmbeddings = "martlet_knowledge_embedding_calls_total"
    case knowledgeEmbeddingErrors = "martlet_knowledge_embedding_errors_total"
    case knowledgeRedisErrors = "martlet_knowledge_redis_errors_total"
    // The process
    case connections = "martlet_connections"
    case fileDescriptors = "martlet_fds"
    case fdBudget = "martlet_fd_budget"
    case fdPressure = "martlet_fd_pressure"
    case refusedConnections = "martlet_connections_refused_total"
    case closeWaitSockets = "martlet_close_wait_sockets"
    case bufferedBytes = "martlet_buffered_bytes"
    case impossibleEvents = "martlet_impossible_events_total"
    case droppedLogLines = "martlet_log_lines_dropped_total"
    case buildInfo = "martlet_build_info"
    case cpuSeconds = "process_cpu_seconds_total"
    case residentMemory = "process_resident_memory_bytes"
    case startTime = "process_start_time_seconds"
    case openFDs = "process_open_fds"
    case maxFDs = "process_max_fds"

    /// What Prometheus calls the metric's type.
    package enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    /// The unit of a value, as the last word of the name says it where Prometheus' habits ask for one.
    package enum Unit: String, Sendable {
        case seconds, bytes, tokens, requests, attempts, connections, descriptors, events, lines, state, workers
        case messages, commands, records, tasks
        case bases, documents, chunks, answers, calls
        /// As whoever reports it means it.
        case any
    }

    package typealias Row = (kind: Kind, unit: Unit, labels: [Label], help: String)

    package var name: String { rawValue }
    package var kind: Kind { row.kind }
    package var unit: Unit { row.unit }
    /// In the order in which samples give their values.
    package var labels: [Label] { row.labels }
    package var help: String { row.help }

    private static let ofRequest: [Label] = [.route, .pool, .target, .version, .status, .outcome]
    private static let ofModel: [Label] = [.genAIOperation, .genAIModel]
    private static let ofQueue: [Label] = [.queue, .database]

    private var row: Row {
        switch self {
        case .requests:
            (.counter, .requests, Self.ofRequest, "Requests that ended, each once.")
        case .requestDuration:
            (.histogram, .seconds, Self.ofRequest, "From the first byte of a request's head to its end.")
        case .timeToFirstByte:
            (.histogram, .seconds, [.pool, .target, .version],
                "From the first byte of the request head to the first byte of the answer.")
        case .interEvent:
            (.histogram, .seconds, [.pool, .target], "Between two events of a streamed answer.")
        case .queueWait:
            (.histogram, .seconds, [.pool, .priority], "Time in the pool's queue, of requests that had to wait.")
        case .cancelled:
            (.counter, .requests, [.phase], "Requests whose client left before the end, by where they were.")
        case .errors:
            (.counter, .requests, [.code, .fault], "Errors given to clients, by code and by whose fault it was.")
        case .requestBytes:
            (.counter, .bytes, [.pool], "Body bytes received from clients.")
        case .responseBytes:
            (.counter, .bytes, [.pool], "Body bytes sent to clients.")
        case .connect:
            (.histogram, .seconds, [.pool, .target], "Making a new connection to a target, TLS included.")
        case .attempts:
            (.counter, .attempts, [.pool, .target, .version], "Attempts at a target, first ones and retries.")
        case .retries:
            (.counter, .attempts, [.pool, .failureClass], "Attempts made again, by the failure that caused it.")
        case .failures:
            (.counter, .attempts, [.pool, .target, .failureClass], "Attempts that failed, never because a client left.")
        case .tokens:
            (.counter, .tokens, [.pool, .target, .version, .tokenType], "Tokens that targets reported as used.")
        case .tokenUsage:
            (.histogram, .tokens, Self.ofModel + [.genAITokenType], "Tokens used by one model call, as reported.")
        case .operationDuration:
            (.histogram, .seconds, Self.ofModel, "Duration of one model call.")
        case .timeToFirstChunk:
            (.histogram, .seconds, Self.ofModel, "Time to the first byte of one model call's answer.")
        case .inFlight:
            (.gauge, .requests, [.pool, .target], "Requests that a target holds now.")
        case .queueLength:
            (.gauge, .requests, [.pool, .priority], "Requests that wait in the pool's queue now.")
        case .targetUp:
            (.gauge, .state, [.pool, .target], "1 while the target may be picked, else 0.")
        case .breakerState:
            (.gauge, .state, [.pool, .target, .state], "1 for the state the target's breaker is in, 0 for the others.")
        case .workers:
            (.gauge, .workers, [.pool, .state], "Worker processes: wanted, and those that serve.")
        case .workerRequests:
            (.gauge, .requests, [.pool, .state], "Requests of a group: those that wait in it, those its workers have.")
        case .workersRecycled:
            (.counter, .workers, [.pool, .reason], "Workers that were replaced although they served.")
        case .workerResident:
            (.gauge, .bytes, [.pool, .worker], "Resident memory of a worker's process.")
        case .workerDescriptors:
            (.gauge, .descriptors, [.pool, .worker], "Open file descriptors of a worker's process.")
        case .sharedMemory:
            (.gauge, .bytes, [.pool, .kind], "Bodies that lie in memory shared with workers.")
        case .computeSaved:
            (.counter, .seconds, [.pool, .phase], "Computing that was not done because requests were called off.")
        case .computeWasted:
            (.counter, .seconds, [.pool], "Computing that was done for requests that were called off.")
        case .appMetric:
            (.gauge, .any, [.pool, .worker, .name], "What an app reports of itself, the last value.")
        case .taskMessages:
            (.gauge, .messages, Self.ofQueue + [.state], "Messages of a queue, all priorities together.")
        case .taskOldest:
            (.gauge, .seconds, Self.ofQueue, "For how long the message waits that is served next; 0: there is none.")
        case .taskPublished:
            (.counter, .messages, Self.ofQueue, "Messages that came to a queue, or whose time came.")
        case .taskDelivered:
            (.counter, .messages, Self.ofQueue, "Messages that were given to workers, each as often as it was.")
        case .taskWait:
            (.counter, .seconds, Self.ofQueue, "Time in the queue, of all messages that were given to workers.")
        case .taskReturned:
            (.counter, .messages, [], "Messages that went back to their queue because their worker was gone.")
        case .taskDeadLetters:
            (.counter, .messages, [], "Messages that were put aside because workers failed with them too often.")
        case .brokerConnections:
            (.gauge, .connections, [.state], "Connections to the broker: all of them, and those that wait in a pop.")
        case .brokerOpened:
            (.counter, .connections, [], "Connections that were made to the broker.")
        case .brokerCommands:
            (.counter, .commands, [], "Commands that the broker was told.")
        case .brokerMemory:
            (.gauge, .bytes, [.kind], "The broker's data, and from where on producers are refused.")
        case .brokerSync:
            (.histogram, .seconds, [], "Making records durable: one write and one sync of the disk.")
        case .brokerRecords:
            (.counter, .records, [], "Records that were made durable; each holds the changes of one turn of commands.")
        case .brokerJournal:
            (.counter, .bytes, [], "Bytes that were made durable.")
        case .brokerReplay:
            (.gauge, .bytes, [], "Bytes that a start would replay after the newest snapshot.")
        case .brokerSnapshots:
            (.counter, .events, [], "Snapshots that were written.")
        case .brokerFailures:
            (.counter, .attempts, [], "Attempts to make records durable that failed; they are made again.")
        case .taskHistoryTasks:
            (.gauge, .tasks, [], "Tasks in the history.")
        case .taskHistoryWritten:
            (.counter, .tasks, [], "Tasks that were written to the history, again when they had changed.")
        case .taskHistoryMissed:
            (.counter, .tasks, [], "Changes of tasks that the history misses because the disk was too slow or away.")
        case .taskHistoryFailures:
            (.counter, .attempts, [], "Attempts to read or write the history that failed; writing is tried again.")
        case .cronLeader:
            (.gauge, .state, [], "1 while this process hands in the tasks of cron, 0 while another one does, or none.")
        case .cronRuns:
            (.counter, .tasks, [.name], "Tasks of an entry of cron that this process handed in at their times.")
        case .cronMissed:
            (.counter, .events, [.name], "Times of an entry of cron that this process passed over.")
        case .taskWorkerReady:
            (.gauge, .state, [.worker], "1 while a worker of tasks takes tasks and its broker answers, else 0.")
        case .taskWorkerSlots:
            (.gauge, .tasks, [.worker], "Tasks that a worker may run at one time.")
        case .taskWorkerTasks:
            (.gauge, .tasks, [.worker, .state], "Tasks that a worker has in hand.")
        case .taskRuns:
            (.counter, .tasks, [.worker, .name, .outcome], "Runs of tasks, by how they ended.")
        case .taskRunSeconds:
            (.counter, .seconds, [.worker, .name], "Time of the runs that ended by themselves.")
        case .taskOldestRun:
            (.gauge, .seconds, [.worker], "Since the longest of a worker's runs began; 0: none runs.")
        case .taskEventsDropped:
            (.counter, .events, [.worker], "Task events that were dropped because the broker did not take them.")
        case .knowledgeBases:
            (.gauge, .bases, [], "Knowledge bases.")
        case .knowledgeDocuments:
            (.gauge, .documents, [.base], "Documents of a knowledge base.")
        case .knowledgeChunks:
            (.gauge, .chunks, [.base], "Chunks of a knowledge base.")
        case .knowledgeAge:
            (.gauge, .seconds, [.base], "Since the newest document of a knowledge base came.")
        case .knowledgeSearch:
            (.histogram, .seconds, [.arm], "Searches: by words, by vectors, and whole.")
        case .knowledgeAnswers:
            (.counter, .answers, [.kind], "Questions that were asked, by what became of them.")
        case .knowledgeUnderWay:
            (.gauge, .answers, [], "Answers that are being made; many who ask the same have one.")
        case .knowledgeCache:
            (.counter, .answers, [.kind], "Answers that the cache gave or kept, and what changes of bases did to them.")
        case .knowledgeInWork:
            (.gauge, .documents, [.state], "Documents that are being taken in, and those that wait for it.")
        case .knowledgeIngestedDocuments:
            (.counter, .documents, [], "Documents that were taken in, versions of one each for itself.")
        case .knowledgeIngestedChunks:
            (.counter, .chunks, [], "Chunks of the documents that were taken in.")
        case .knowledgeIngestedBytes:
            (.counter, .bytes, [], "Bytes of the files that were taken in.")
        case .knowledgeEmbeddings:
            (.counter, .calls, [.kind], "Calls for vectors, of questions and of passages.")
        case .knowledgeEmbeddingErrors:
            (.counter, .calls, [.kind], "Calls for vectors that failed.")
        case .knowledgeRedisErrors:
            (.counter, .calls, [.kind], "Calls of the Redis server with answers or sessions that failed.")
        case .connections:
            (.gauge, .connections, [.kind], "Open connections.")
        case .fileDescriptors:
            (.gauge, .descriptors, [.kind], "Open file descriptors, by what they are.")
        case .fdBudget:
            (.gauge, .descriptors, [.kind], "How the limit on open descriptors is shared out.")
        case .fdPressure:
            (.gauge, .state, [], "How near that limit the process is: 0 (not at all) to 5 (no connection more).")
        case .refusedConnections:
            (.counter, .connections, [.reason], "Connections of clients that were not served.")
        case .closeWaitSockets:
            (.gauge, .connections, [], "Sockets that their peers left more than five seconds ago, still open here.")
        case .bufferedBytes:
            (.gauge, .bytes, [], "Bytes held for requests in all buffers of the process.")
        case .impossibleEvents:
            (.counter, .events, [], "Events that a state machine cannot receive: each one is a defect of Martlet.")
        case .droppedLogLines:
            (.counter, .lines, [.log], "Lines that were not written because the destination was too slow or failed.")
        case .buildInfo:
            (.gauge, .state, [.version, .commit], "Always 1; the labels say what runs.")
        case .cpuSeconds:
            (.counter, .seconds, [.mode], "CPU time of the process.")
        case .residentMemory:
            (.gauge, .bytes, [], "Resident memory of the process.")
        case .startTime:
            (.gauge, .seconds, [], "Start of the process, in seconds since 1970.")
        case .openFDs:
            (.gauge, .descriptors, [], "Open file descriptors.")
        case .maxFDs:
            (.gauge, .descriptors, [], "The soft limit of open file descriptors.")
        }
    }
}
