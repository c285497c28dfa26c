import MartletBase
import MartletLogic
import MartletWire
import NIOCore
import Synchronization

/// One worker of a group as long as its process lives: what it sends becomes news for the legs.
final class WorkerSeat: Sendable {
    let number: WorkerNumber
    let link: WorkerLink
    private let group: WorkerGroup
    /// Ends the process.
    let kill: @Sendable () -> Void
    /// Filled and sent on the link's loop alone.
    private let mail = Mutex(WorkerMail())
    /// Requests whose bodies are longer than a frame, and have not been sent whole.
    private let unsent = Mutex<[WorkerRequest]>([])

    init(_ number: WorkerNumber, of group: WorkerGroup, link: WorkerLink, kill: @escaping @Sendable () -> Void) {
        self.number = number
        self.group = group
        self.link = link
        self.kill = kill
    }

    /// Sends one batch. Bodies longer than a frame follow piece by piece, as the worker takes them.
    func send(_ batch: UInt64, _ requests: [WorkerRequest]) {
        var requests = requests
        link.send { WorkerFrameWriter.exec(batch: batch, &requests, into: &$0) }
        let rest = requests.filter { !$0.isSent }
        guard !rest.isEmpty else { return }
        unsent.withLock { $0 += rest }
        pump()
    }

    /// The request is over: the worker gets no more of its body.
    func forget(_ id: ItemID) {
        unsent.withLock { $0.removeAll { $0.id == id.rawValue } }
    }

    /// Sends pieces of bodies until the link is full; ``WorkerLink/isWritable`` says when to go on.
    func pump() {
        unsent.withLock { unsent in
            while !unsent.isEmpty, link.isWritable {
                // A link that has ended takes everything and keeps nothing.
                var isMore = false
                link.send { isMore = WorkerFrameWriter.body(of: &unsent[0], into: &$0) }
                if !isMore { unsent.removeFirst() }
            }
        }
    }

    // MARK: On the link's loop

    func take(_ type: WorkerFrameType, _ item: WorkerItem) {
        guard let news = group.take(type, item, from: number) else { return }
        mail.withLock { $0.add(news) }
    }

    func readComplete() {
        mail.withLock { $0.send() }
    }
}
