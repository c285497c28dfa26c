import MartletKnowledge
import MartletLogic
import MartletWire

// What OpenAI's API says of files and stores.

extension JSONValue {
    init(_ file: ShelfFile) {
        self = [
            "id": .string(file.id), "object": "file", "bytes": .integer(Int64(file.bytes)),
            "created_at": .integer(Int64(file.created)), "filename": .string(file.name),
            "purpose": .string(file.purpose), "status": "processed", "expires_at": .null, "status_details": .null,
        ]
    }

    init(_ view: Shelf.StoreView) {
        let store = view.store
        let isBusy = (view.counts[.waiting] ?? 0) > 0
        self = [
            "id": .string(store.id), "object": "vector_store", "created_at": .integer(Int64(store.created)),
            "name": .string(store.name), "usage_bytes": .integer(Int64(view.bytes)),
            "file_counts": .counts(view.counts),
            "status": view.isExpired ? "expired" : isBusy ? "in_progress" : "completed",
            "expires_after": store.expiresAfterDays.map {
                ["anchor": "last_active_at", "days": .integer(Int64($0))]
            } ?? .null,
            "expires_at": store.expires.map { .integer(Int64($0)) } ?? .null,
            "last_active_at": .integer(Int64(store.lastActive)),
            "metadata": .object(store.metadata.mapValues { .string($0) }),
        ]
    }

    init(_ entry: ShelfEntry) {
        // What OpenAI's clients know of reasons.
        let codes = ["unreadable": "unsupported_file", "invalid": "invalid_file", "too_large": "invalid_file"]
        let size = entry.chunkSize ?? 800
        self = [
            "id": .string(entry.file), "object": "vector_store.file", "usage_bytes": .integer(Int64(entry.bytes)),
            "created_at": .integer(Int64(entry.created)), "vector_store_id": .string(entry.store),
            "status": .string(entry.state.rawValue),
            "last_error": entry.failure.map {
                ["code": .string(codes[$0.code] ?? "server_error"), "message": .string($0.message)]
            } ?? .null,
            "chunking_strategy": [
                "type": "static",
                "static": [
                    "max_chunk_size_tokens": .integer(Int64(size)),
                    "chunk_overlap_tokens": .integer(Int64(entry.chunkOverlap ?? size / 2)),
                ],
            ],
            "attributes": .object(entry.attributes.mapValues { JSONValue($0.value) }),
        ]
    }

    init(_ batch: ShelfBatch, _ entries: [ShelfEntry]) {
        var counts: [ShelfEntry.State: Int] = [:]
        for entry in entries { counts[entry.state, default: 0] += 1 }
        let isBusy = (counts[.waiting] ?? 0) > 0
        self = [
            "id": .string(batch.id), "object": "vector_store.files_batch",
            "created_at": .integer(Int64(batch.created)), "vector_store_id": .string(batch.store),
            "status": batch.isCancelled ? "cancelled" : isBusy ? "in_progress" : "completed",
            "file_counts": .counts(counts),
        ]
    }

    private static func counts(_ counts: [ShelfEntry.State: Int]) -> JSONValue {
        func count(_ state: ShelfEntry.State) -> JSONValue { .integer(Int64(counts[state] ?? 0)) }
        return [
            "in_progress": count(.waiting), "completed": count(.completed), "failed": count(.failed),
            "cancelled": count(.cancelled), "total": .integer(Int64(counts.values.reduce(0, +))),
        ]
    }
}
