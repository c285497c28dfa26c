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
    var all: [(name: String, prefix: String, value: String)] = []

    subscript(name: String) -> String? { all.first { $0.name == name }?.value }

    /// One of another vocabulary than its element's: the `id` of `r:id`, whatever the prefix.
    subscript(prefixed name: String) -> String? { all.first { $0.name == name && !$0.prefix.isEmpty }?.value }
}

/// libxml2's event parsers, fed in pieces, so that no document is ever in memory as a whole. Made and used on one
/// thread.
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
        // SAFETY: `events` lives as long as this object, which frees the context; nobody else has it.
        let user = unsafe Unmanaged.passUnretained(events).toOpaque()
        let made = unsafe language == .xml ? Self.xml(user) : Self.html(user)
        // SAFETY: as above.
        guard let made = unsafe made else { throw KnowledgeError(.failed, "there is no memory for a parser") }
        unsafe context = made
        unsafe events.context = language == .xml ? made : nil
    }

    /// Callbacks without those for elements, for which the languages have their own.
    private static var callbacks: xmlSAXHandler {
        // SAFETY: all of its fields are pointers to functions and numbers; where it is empty, nothing is called.
        var callbacks = unsafe xmlSAXHandler()
        unsafe callbacks.initialized = UInt32(XML_SAX2_MAGIC)
        unsafe callbacks.characters = MarkupEvents.onText
        // SAFETY: as above. The same one, so that the parser does not decide what blanks are worth; and nothing is said
        // on the standard error stream.
        unsafe callbacks.ignorableWhitespace = MarkupEvents.onText
        unsafe callbacks.serror = { _, _ in }
        return unsafe callbacks  // SAFETY: as above.
    }

    private static func xml(_ user: UnsafeMutableRawPointer) -> xmlParserCtxtPtr? {
        var callbacks = unsafe callbacks  // SAFETY: as there; the parser copies it.
        unsafe callbacks.startElementNs = MarkupEvents.onBegin
        unsafe callbacks.endElementNs = MarkupEvents.onEnd
        unsafe callbacks.entityDecl = MarkupEvents.onEntity
        // SAFETY: no bytes yet. "No entities" means that `&amp;` in an attribute comes as `&`; there are no others.
        let context = unsafe xmlCreatePushParserCtxt(&callbacks, user, nil, 0, nil)
        unsafe xmlCtxtUseOptions(context, CInt(XML_PARSE_NOENT.rawValue | XML_PARSE_NONET.rawValue))
        return unsafe context
    }

    private static func html(_ user: UnsafeMutableRawPointer) -> xmlParserCtxtPtr? {
        var callbacks = unsafe callbacks  // SAFETY: as there; the parser copies it.
        unsafe callbacks.startElement = MarkupEvents.onBeginHTML
        unsafe callbacks.endElement = MarkupEvents.onEndHTML
        // SAFETY: no bytes yet.
        let context = unsafe htmlCreatePushParserCtxt(&callbacks, user, nil, 0, nil, XML_CHAR_ENCODING_UTF8)
        unsafe htmlCtxtUseOptions(context, CInt(HTML_PARSE_IGNORE_ENC.rawValue | HTML_PARSE_NONET.rawValue))
        return unsafe context
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
