/// Every label a series can carry.
package enum Label: String, CaseIterable, Sendable {
    case route, pool, target, version, status, outcome, priority
    case failureClass = "class"
    case worker, name
    case phase, code, fault, kind, reason, state, log, mode, commit
    case queue, database
    case base, arm
    case tokenType = "type"
    case genAIOperation = "gen_ai_operation_name"
    case genAIModel = "gen_ai_request_model"
    case genAITokenType = "gen_ai_token_type"
}

/// Where a request was when its client left: the `phase` label and the word in the access log.
package enum CancelPhase: UInt8, CaseIterable, Sendable {
    case queued, connecting, waiting, streaming, backingOff

    package var text: String {
        switch self {
        case .queued: "queued"
        case .connecting: "connecting"
        case .waiting: "waiting"
        case .streaming: "streaming"
        case .backingOff: "backing_off"
        }
    }
}

/// What a model was asked to do, in OpenTelemetry's words (`gen_ai.operation.name`).
package enum ModelOperation: UInt8, CaseIterable, Sendable {
    case chat, textCompletion, embeddings

    package var text: String {
        switch self {
        case .chat: "chat"
        case .textCompletion: "text_completion"
        case .embeddings: "embeddings"
        }
    }
}

/// What a connection is used for: the `kind` label of `martlet_connections`.
package enum ConnectionKind: UInt8, CaseIterable, Sendable {
    case client, upstreamActive, upstreamIdle

    package var text: String {
        switch self {
        case .client: "client"
        case .upstreamActive: "upstream_active"
        case .upstreamIdle: "upstream_idle"
        }
    }
}

/// The breaker of one target: the `state` label of `martlet_breaker_state`.
package enum BreakerLabel: UInt8, CaseIterable, Sendable {
    case shut, open, halfOpen

    package var text: String {
        switch self {
        case .shut: "shut"
        case .open: "open"
        case .halfOpen: "half_open"
        }
    }
}
