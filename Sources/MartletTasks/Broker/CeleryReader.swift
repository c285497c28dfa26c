package import MartletLogic
import MartletWire

extension MessageReader {
    /// Reads messages as kombu writes them.
    package static let celery = MessageReader(
        read: { bytes in
            switch CeleryEnvelope.read(bytes.array) {
            case .envelope(let envelope): .message(BrokerMessage(envelope))
            case .broken(let flaw): .broken(flaw.text)
            case .foreign(let flaw): .foreign(flaw.text)
            }
        },
        taken: { CeleryReservation($0.array).map { Bytes($0.message) } },
        reservation: { bytes, message in
            Bytes(
                CeleryReservation.text(
                    bytes.array, exchange: message.exchange.text, routingKey: message.routingKey.text))
        },
        redelivered: { bytes in
            guard case .envelope(let envelope) = CeleryEnvelope.read(bytes.array) else { return bytes }
            return Bytes(envelope.redelivered(bytes.array))
        })
}

extension BrokerMessage {
    fileprivate init(_ envelope: CeleryEnvelope) {
        self.init(
            tag: Bytes(envelope.deliveryTag), task: envelope.task?.id ?? "", eta: envelope.task?.eta,
            isRedelivered: envelope.isRedelivered, exchange: Bytes(envelope.exchange),
            routingKey: Bytes(envelope.routingKey), priority: envelope.priority)
    }
}
