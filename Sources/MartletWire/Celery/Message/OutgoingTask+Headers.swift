extension OutgoingTask {
    /// In the order in which Celery writes them.
    func writeHeaders(_ writer: inout PythonJSON, now: Int64) {
        let start = countdown.map { $0.addingReportingOverflow(now).partialValue } ?? eta
        if !extraHeaders.isEmpty { return write(headers(now: now), &writer) }
        writer.put("\"lang\": \"py\", \"task\": ")
        writer.write(name)
        writer.put(", \"id\": ")
        writer.write(id)
        writer.put(", \"shadow\": ")
        writer.write(shadow)
        writer.put(", \"eta\": ")
        writer.write(start.map { CeleryTime.text(milliseconds: $0) })
        writer.put(", \"expires\": ")
        writer.write(expires.map { CeleryTime.text(milliseconds: $0) })
        writer.put(", \"group\": ")
        writer.write(group)
        writer.put(", \"group_index\": ")
        writer.write(groupIndex)
        writer.put(", \"retries\": ")
        writer.write(retries)
        writer.put(", \"timelimit\": [")
        Self.write(seconds: hardLimit, &writer)
        writer.put(", ")
        Self.write(seconds: softLimit, &writer)
        writer.put("], \"root_id\": ")
        writer.write(rootID ?? id)
        writer.put(", \"parent_id\": ")
        writer.write(parentID)
        writer.put(", \"argsrepr\": ")
        writer.write(argsText ?? PythonRepr.text(args, isTuple: true))
        writer.put(", \"kwargsrepr\": ")
        writer.write(kwargsText ?? PythonRepr.text(kwargs))
        writer.put(", \"origin\": ")
        writer.write(origin)
        writer.put(", \"ignore_result\": ")
        if let ignoreResult { writer.write(ignoreResult) } else { writer.put("null") }
        writer.put(", \"replaced_task_nesting\": ")
        writer.write(replacedTaskNesting)
        writer.put(", \"stamped_headers\": ")
        if let stampedHeaders {
            writer.write(list: stampedHeaders) { $0.write($1) }
        } else {
            writer.put("null")
        }
        writer.put(", \"stamps\": ")
        writer.write(stamps)
    }

    /// The same with the headers of others put over them.
    private func headers(now: Int64) -> RawObject {
        var plain = self
        plain.extraHeaders = RawObject()
        var writer = PythonJSON()
        writer.put("{")
        plain.writeHeaders(&writer, now: now)
        writer.put("}")
        let own = RawObject(RawJSON(unchecked: writer.bytes[...])) ?? RawObject()
        return own.merged(extraHeaders)
    }

    private func write(_ headers: RawObject, _ writer: inout PythonJSON) {
        // The brackets are there already.
        writer.put(headers.json.bytes.dropFirst().dropLast())
    }

    /// Whole seconds are written as Python's whole numbers.
    private static func write(seconds: Double?, _ writer: inout PythonJSON) {
        if let seconds, let whole = Int(exactly: seconds) { writer.write(whole) } else { writer.write(seconds) }
    }
}
