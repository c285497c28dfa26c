import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import Synchronization

/// The memory that Martlet shares with one worker: bodies to the worker lie in the first half, bodies from it in the
/// second. Each side keeps the books of its own half.
package final class WorkerArena: Sendable {
    /// In bytes.
    let half: Int
    private let memory: SharedMemory
    private let space: Mutex<ArenaSpace>
    private let answerBytes = Atomic(0)

    /// - Parameter half: in bytes, as much for each direction.
    init(_ name: String, half: Int) throws(MartletError) {
        memory = try SharedMemory(name, size: 2 * half)
        self.half = half
        space = Mutex(ArenaSpace(size: half))
    }

    /// Where the worker may put bodies.
    var workersPart: Range<Int> { half..<2 * half }

    /// To be handed to the worker.
    var descriptor: CInt? { memory.descriptor }

    /// Bytes of bodies that the worker has not released.
    var requestsBytes: Int { space.withLock { $0.usedBytes } }

    /// Bytes of bodies from the worker that are not released to it.
    var answersBytes: Int { answerBytes.load(ordering: .relaxed) }

    /// An answer lies there now (more bytes), or its place was given back (fewer).
    fileprivate func answersChanged(by bytes: Int) { answerBytes.add(bytes, ordering: .relaxed) }

    /// A place for a body to the worker; nil: there is no room for it at present.
    func reserve(_ count: Int) -> WorkerSharedBody? {
        guard let block = space.withLock({ $0.allocate(count) }) else { return nil }
        return WorkerSharedBody(offset: block.offset, length: block.length, generation: block.generation)
    }

    /// Copies a part of a body to its place, `start` bytes into it. False: there is no memory for it.
    func write(_ piece: ByteBuffer, of body: WorkerSharedBody, from start: Int) -> Bool {
        memory.write(piece, at: body.offset + start)
    }

    /// The place is free: the worker has read its body, or will not. One that is not taken is nothing to it.
    func released(_ body: WorkerSharedBody) {
        space.withLock { _ = $0.release(offset: body.offset, generation: body.generation) }
    }

    /// `count` bytes of a body from the worker, `start` bytes into it; nil where there are not so many.
    func read(_ count: Int, of body: WorkerSharedBody, from start: Int) -> ByteBuffer? {
        guard count <= body.length - start else { return nil }
        return memory.read(count, at: body.offset + start)
    }
}

/// An answer that lies in the shared memory of its worker. It is read as its client takes it, and its place is given
/// back when nobody wants more of it; the worker's end does not touch it.
final class LyingBody: Sendable {
    private let place: WorkerSharedBody
    private let arena: WorkerArena
    private let link: WorkerLink

    init(_ place: WorkerSharedBody, in arena: WorkerArena, link: WorkerLink) {
        self.place = place
        self.arena = arena
        self.link = link
        arena.answersChanged(by: place.length)
    }

    deinit {
        arena.answersChanged(by: -place.length)
        link.send { [place] in WorkerFrameWriter.release(place, into: &$0) }
    }

    /// In bytes.
    var length: Int { place.length }

    func read(_ count: Int, from start: Int) -> ByteBuffer? { arena.read(count, of: place, from: start) }
}
