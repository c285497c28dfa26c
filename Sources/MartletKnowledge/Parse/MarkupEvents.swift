import CXML2

/// Where libxml2's callbacks arrive.
@safe final class MarkupEvents {
    let handler: any MarkupHandler
    let reading: Reading
    /// To be stopped when something fails; nil: the parser of HTML, which cannot be.
    var context: xmlParserCtxtPtr?
    /// What went wrong first. Nothing is handed on after it.
    var failure: (any Error)?
    private let maximumDepth: Int
    private var depth = 0

    init(_ handler: any MarkupHandler, _ reading: Reading, maximumDepth: Int) {
        self.handler = handler
        self.reading = reading
        self.maximumDepth = maximumDepth
    }

    private func attempt(_ body: () throws -> Void) {
        guard failure == nil else { return }
        do { try body() } catch {
            failure = error
            // SAFETY: called from within the parser of this context, which allows it.
            if let context = unsafe context { unsafe xmlStopParser(context) }
        }
    }

    private func begin(_ name: String, _ attributes: MarkupAttributes) {
        attempt {
            depth += 1
            guard depth <= maximumDepth else {
                throw reading.tooLarge("its elements are nested more than \(maximumDepth) deep")
            }
            try handler.begin(name, attributes)
        }
    }

    private func end(_ name: String) {
        attempt {
            depth -= 1
            try handler.end(name)
        }
    }

    // MARK: libxml2's side

    // For all of them: the first argument is what the parser was given, the events of a parser that is alive; the other
    // pointers live through the call, as long as libxml2 says or up to a zero, and are copied.

    static let onText: charactersSAXFunc = { user, bytes, count in
        // SAFETY: see above.
        guard let events = unsafe of(user), let bytes = unsafe bytes else { return }
        // SAFETY: see above.
        let text = unsafe String(decoding: UnsafeBufferPointer(start: bytes, count: Int(count)), as: UTF8.self)
        events.attempt { try events.handler.text(text) }
    }

    static let onBegin: startElementNsSAX2Func = { user, name, _, _, _, _, count, _, values in
        // SAFETY: see above.
        guard let events = unsafe of(user), let name = unsafe text(name) else { return }
        var attributes = MarkupAttributes()
        for index in 0..<Int(count) {
            // SAFETY: five pointers for each attribute: its name, prefix and namespace, its value's beginning and end.
            guard let field = unsafe values.map({ unsafe $0 + 5 * index }), let name = unsafe text(field[0]),
                let start = unsafe field[3], let end = unsafe field[4]
            else { continue }
            // SAFETY: the value's bytes lie between its beginning and its end.
            let value = unsafe String(decoding: UnsafeBufferPointer(start: start, count: end - start), as: UTF8.self)
            attributes.all.append((name, unsafe text(field[1]) ?? "", value))
        }
        events.begin(name, attributes)
    }

    static let onEnd: endElementNsSAX2Func = { user, name, _, _ in
        // SAFETY: see above.
        guard let events = unsafe of(user), let name = unsafe text(name) else { return }
        events.end(name)
    }

    static let onEntity: entityDeclSAXFunc = { user, _, _, _, _, _ in
        guard let events = unsafe of(user) else { return }  // SAFETY: see above.
        events.attempt { throw events.reading.unreadable("it declares entities of its own") }
    }

    static let onBeginHTML: startElementSAXFunc = { user, name, values in
        // SAFETY: see above.
        guard let events = unsafe of(user), let name = unsafe text(name) else { return }
        var attributes = MarkupAttributes()
        var next = unsafe values
        // SAFETY: pairs of a name and its value, which may be absent, up to an absent name.
        while let pair = unsafe next, let name = unsafe text(pair[0]) {
            attributes.all.append((name, "", unsafe text(pair[1]) ?? ""))
            unsafe next = pair + 2
        }
        events.begin(name.lowercased(), attributes)
    }

    static let onEndHTML: endElementSAXFunc = { user, name in
        // SAFETY: see above.
        guard let events = unsafe of(user), let name = unsafe text(name) else { return }
        events.end(name.lowercased())
    }

    private static func of(_ user: UnsafeMutableRawPointer?) -> MarkupEvents? {
        // SAFETY: see above.
        unsafe user.map { unsafe Unmanaged<MarkupEvents>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func text(_ bytes: UnsafePointer<xmlChar>?) -> String? {
        unsafe bytes.map { unsafe String(cString: $0) }  // SAFETY: see above; ends with a zero.
    }
}
