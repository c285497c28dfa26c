import CXML2

/// Takes the events of a document in XML or HTML. An element's name comes without its prefix.
protocol MarkupHandler: AnyObject {
    func begin(_ name: String, _ attributes: MarkupAttributes) throws
    func end(_ name: String) throws
    /// A piece of text; what belongs together may come in several.
    func text(_ text: String) throws
}

/// The attributes of an element, by their names without prefixes.
struct MarkupAttributes {
    fileprivate(set) var all: [(name: String, prefix: String, value: String)] = []

    subscript(name: String) -> String? { all.first { $0.name == name }?.value }

    /// One of another vocabulary than its element's: the `id` of `r:id`, whatever the prefix.
    subscript(prefixed name: String) -> String? { all.first { $0.name == name && !$0.prefix.isEmpty }?.value }
}

/// libxml2's event parsers, fed in pieces, so that no document is ever in memory as a whole. Made and used on one thread.
///
/// Nothing but the bytes that are given is ever read: no entity is expanded but the five of XML itself (a document that
/// declares one is refused), no file and no network is looked at.
@safe final class MarkupParser {
    enum Language {
        /// Text is in whatever encoding it declares.
        case xml
        /// Text is UTF-8, whatever it declares.
        case html
    }

    struct Malformed: Error {
        /// From 1.
        var line: Int
    }

    private let language: Language
    private let context: xmlParserCtxtPtr
    /// What the callbacks are given; the parser of libxml2 holds no reference of its own.
    private let events: MarkupEvents

    init(_ language: Language, _ handler: any MarkupHandler, _ reading: Reading) throws {
        Self.prepare
        self.language = language
        let depth = language == .xml ? reading.limits.depth : reading.limits.pageDepth
        events = MarkupEvents(handler, reading, maximumDepth: depth)
        // SAFETY: a structure of C whose fields are all pointers and numbers; empty, no callback is called.
        var callbacks = unsafe xmlSAXHandler()
        unsafe callbacks.initialized = UInt32(XML_SAX2_MAGIC)
        unsafe callbacks.characters = MarkupEvents.onText
        // The same one, so that the parser does not decide what blanks are worth.
        unsafe callbacks.ignorableWhitespace = MarkupEvents.onText
        // Says nothing on the standard error stream.
        unsafe callbacks.serror = { _, _ in }
        // SAFETY: `events` lives as long as this object, which frees the context; nobody else has it.
        let user = unsafe Unmanaged.passUnretained(events).toOpaque()
        let made: xmlParserCtxtPtr?
        switch language {
        case .xml:
            unsafe callbacks.startElementNs = MarkupEvents.onBegin
            unsafe callbacks.endElementNs = MarkupEvents.onEnd
            unsafe callbacks.entityDecl = MarkupEvents.onEntity
            unsafe made = xmlCreatePushParserCtxt(&callbacks, user, nil, 0, nil)
            // "No entities" means that `&amp;` in an attribute comes as `&`; there are no others.
            unsafe xmlCtxtUseOptions(made, CInt(XML_PARSE_NOENT.rawValue | XML_PARSE_NONET.rawValue))
        case .html:
            unsafe callbacks.startElement = MarkupEvents.onBeginHTML
            unsafe callbacks.endElement = MarkupEvents.onEndHTML
            unsafe made = htmlCreatePushParserCtxt(&callbacks, user, nil, 0, nil, XML_CHAR_ENCODING_UTF8)
            unsafe htmlCtxtUseOptions(made, CInt(HTML_PARSE_IGNORE_ENC.rawValue | HTML_PARSE_NONET.rawValue))
        }
        guard let made = unsafe made else { throw KnowledgeError(.failed, "there is no memory for a parser") }
        unsafe context = made
        unsafe events.context = language == .xml ? made : nil
    }

    deinit {
        // SAFETY: made by `init`, freed once. The only document that can be there is the one that the parser of XML
        // makes for entities that are declared, and leaves to whoever ends it early.
        if let document = unsafe context.pointee.myDoc { unsafe xmlFreeDoc(document) }
        unsafe xmlFreeParserCtxt(context)
    }

    /// - Throws: `Malformed`, and what the handler throws.
    func take(_ piece: ArraySlice<UInt8>) throws {
        try events.reading.check()
        // SAFETY: as many bytes as there are, read during the call.
        let code = unsafe piece.withUnsafeBytes { bytes in
            unsafe parse(bytes.bindMemory(to: CChar.self).baseAddress, CInt(clamping: bytes.count), 0)
        }
        try check(code)
    }

    /// The document must be whole.
    func finish() throws {
        try check(unsafe parse(nil, 0, 1))  // SAFETY: no bytes.
    }

    private func parse(_ bytes: UnsafePointer<CChar>?, _ count: CInt, _ isEnd: CInt) -> CInt {
        // SAFETY: the caller's bytes; the context is alive.
        switch language {
        case .xml: unsafe xmlParseChunk(context, bytes, count, isEnd)
        case .html: unsafe htmlParseChunk(context, bytes, count, isEnd)
        }
    }

    private func check(_ code: CInt) throws {
        if let failure = events.failure { throw failure }
        // SAFETY: plain numbers; an input, where there is one, is the context's own.
        let (isSound, input) = unsafe (context.pointee.wellFormed == 1, context.pointee.input)
        guard language == .html || code == 0 || isSound else {
            throw Malformed(line: unsafe input.map { unsafe Int($0.pointee.line) } ?? 0)
        }
    }

    /// Once for the process, before any parser.
    private static let prepare: Void = xmlInitParser()
}

/// Where libxml2's callbacks arrive.
@safe private final class MarkupEvents {
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

    // SAFETY, for all: the first argument is what the parser was given, the events of a parser that is alive; the other
    // pointers live through the call, as long as libxml2 says or up to a zero, and are copied.

    static let onText: charactersSAXFunc = { user, bytes, count in
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
