import MartletBase
import MartletLogic
import MartletNet
import MartletTelemetry
import MartletWire
import NIOCore

// The way in: the body, the model it names, the pool.
extension Exchange {
    func begin(now: Instant) {
        rearmIfEarlier()
        // At once: a request that will never be served must not wait for a place.
        guard route.admits(request?.head) else {
            return answer(MartletError(.unauthorized, cause: "the X-API-Key header does not hold the server's key"))
        }
        if let head = request?.head, !route.takes(head) {
            return answer(.wrongMethod(allow: route.allowed))
        }
        if caller.prefersLater, let later = context.later, route.canAnswerLater, route.admitsLater(request?.head) {
            return serve(later, now: now)
        }
        switch route.destination {
        case .pool(let pool):
            use(pool)
            isReadingFirst = route.readsBodyFirst && caller.bodySize != .none
            if !isReadingFirst { pick(now: now) }
        case .models(let table):
            if request?.head.namesModel == true {
                peek = Boxed(ModelPeek())
                record.operation = request?.head.operation
            } else if let entry = table.wildcard, let pool = entry.pool(draw: context.draw()) {
                // Nothing to read a model from: only `*` can mean it.
                use(pool)
                pick(now: now)
            } else {
                answer(MartletError(.notFound))
            }
        case .local(let handler): serve(handler, now: now)
        }
    }

    /// Answers from inside this process.
    private func serve(_ handler: any LocalHandler, now: Instant) {
        machine.adopt(timeouts: RequestRules.local.timeouts, retry: RequestRules.local.retry)
        machine.picked(now: now)
        openLeg { $0.open(handler, for: self) }
    }

    func takeRequestBody(_ slice: ByteBuffer) {
        guard machine.phase != .closed else { return }
        record.bytesIn += UInt64(slice.readableBytes)
        if peek != nil, !peekAt(slice) { return }
        // A streaming answer may have begun before the upload ended: what nobody takes is not kept.
        if body.canReplay || leg != nil { body.append(slice) }
        if leg != nil { pumpRequestBody() }
        settleBudget()
        if context.budget.isExhausted, !letGo() { return fail(MartletError(.overloaded)) }
        if !fitsInQueue() || body.isFull, !isReadingHeld {
            isReadingHeld = true
            front.setReading(false)
        }
    }

    /// A body goes on coming while its request waits: the queue counts it. False: those who wait hold as much as they
    /// may, and the rest stays with the client until there is a place. The queue is told in steps: the pool is locked
    /// for each, and no client must decide how often.
    private func fitsInQueue() -> Bool {
        guard isInQueue, let pool, body.heldBytes >= queuedBytes + Self.queueStep else { return true }
        queuedBytes = body.heldBytes
        return pool.holds(queuedBytes, WaiterID(number))
    }

    private static let queueStep = 4 << 10

    func takeRequestEnd() {
        guard machine.phase != .closed else { return }
        body.complete()
        if peek != nil {
            routeByModel()
        } else if isReadingFirst {
            isReadingFirst = false
            pick(now: context.now)
        } else if leg != nil {
            pumpRequestBody()
        }
    }

    /// Gives the leg what it does not have yet.
    func pumpRequestBody() {
        guard let leg, !isBodyEndSent else { return }
        if leg.isUploadWritable, let slice = body.takeUnsent() {
            leg.body(slice)
            machine.uploaded(now: context.now)
        }
        if body.isComplete, !body.hasUnsent {
            isBodyEndSent = true
            leg.bodyEnd()
        }
        if isReadingHeld, !body.isFull {
            isReadingHeld = false
            front.setReading(true)
        }
    }

    /// Drops what the leg has already, another attempt given up with it. False: there is more than that.
    private func letGo() -> Bool {
        guard body.heldBytes > 0 else { return true }
        guard !body.hasUnsent else { return false }
        body.commit()
        settleBudget()
        return true
    }

    /// Tells the process-wide bound what this request holds now. What its front holds of the answer the front tells.
    func settleBudget() {
        let held = body.heldBytes + (relay?.heldBytes ?? 0)
        guard held != reservedBytes else { return }
        context.hold(held - reservedBytes)
        reservedBytes = held
    }

    // MARK: Models

    private func peekAt(_ slice: ByteBuffer) -> Bool {
        do {
            try peek?.value.feed(slice.readableBytesUInt8Span)
            return true
        } catch {
            peek = nil
            answer(MartletError(error))
            return false
        }
    }

    private func routeByModel() {
        guard case .models(let table) = route.destination, let peek else { return }
        self.peek = nil
        let found: PeekedModel
        do {
            found = try peek.value.finish()
        } catch {
            return answer(MartletError(error))
        }
        if found.searchesFiles, record.operation == .chat, let handler = context.fileSearch {
            return serve(handler, now: context.now)
        }
        guard let model = found.model, let range = found.modelRange else {
            return answer(MartletError(.invalidBody, cause: "the body names no `model`"))
        }
        guard let entry = table.entry(for: model), let pool = entry.pool(draw: context.draw()) else {
            return answer(MartletError(.modelNotFound, cause: "the model `\(model.prefix(200))` does not exist"))
        }
        modelEntry = entry
        record.model = entry.index
        if let name = entry.upstreamName {
            body.replace(range, with: JSONText.quoted(name))
        }
        use(pool)
        pick(now: context.now)
    }

    /// From here the request belongs to `pool`, whose rules hold where the route states none.
    func use(_ pool: Pool) {
        self.pool = pool
        record.pool = pool.index
        let rules = route.rules(in: pool)
        keyRule = rules.hash
        isLimitAdaptive = rules.isLimitAdaptive
        machine.adopt(timeouts: rules.timeouts, retry: rules.retry)
        rearmIfEarlier()
    }
}
