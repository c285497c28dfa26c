import MartletWire
import NIOCore

/// Passes an event stream on, whole events only.
///
/// The tail of an incomplete event is held back, so that an error can be told in the stream without joining half an
/// event. Past `heldLimit` the tail goes out as it is: a bound matters more, and then the error begins with a blank
/// line of its own.
struct EventRelay {
    static let heldLimit = 64 << 10

    private var boundary = EventBoundary()
    private var held: ByteBuffer?
    /// Half an event is with the client already.
    private(set) var isMidEvent = false
    /// What the stream says about itself, where it speaks OpenAI's form.
    private(set) var marks: StreamMarks?

    init(readsMarks: Bool) {
        marks = readsMarks ? StreamMarks() : nil
    }

    var heldBytes: Int { held?.readableBytes ?? 0 }

    /// Takes what came and answers what may go out now; nil when no event is complete.
    mutating func take(_ slice: ByteBuffer) -> ByteBuffer? {
        let complete = boundary.scan(slice.readableBytesUInt8Span)
        if complete == slice.readableBytes, held == nil {
            isMidEvent = false
            marks?.read(slice.readableBytesUInt8Span)
            return slice
        }
        guard complete > 0 else {
            hold(slice)
            return heldBytes > Self.heldLimit ? flushHalf() : nil
        }
        var rest = slice
        guard let ready = rest.readSlice(length: complete) else { return nil }
        var out = ready
        if var joined = held {
            joined.writeImmutableBuffer(ready)
            out = joined
            held = nil
        }
        if rest.readableBytes > 0 { hold(rest) }
        isMidEvent = false
        marks?.read(out.readableBytesUInt8Span)
        return out
    }

    /// The stream ended properly: what is left of it.
    mutating func finish() -> ByteBuffer? {
        guard let rest = held else { return nil }
        held = nil
        marks?.read(rest.readableBytesUInt8Span)
        return rest
    }

    private mutating func hold(_ slice: ByteBuffer) {
        if held == nil {
            held = slice.copied
        } else {
            held?.writeImmutableBuffer(slice)
        }
    }

    private mutating func flushHalf() -> ByteBuffer? {
        defer { held = nil }
        isMidEvent = true
        return held
    }
}
