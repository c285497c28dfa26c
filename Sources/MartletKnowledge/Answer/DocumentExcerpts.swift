import Foundation
package import MartletLogic
import MartletStore

/// Parts of a document's text: what an answer cites is compared with these, and the rest need not be read.
package struct DocumentExcerpts: Sendable, Equatable {
    /// As the document itself says it; nil: it says none.
    package var title: String?
    /// One for each range that was asked for, in their order; nil: the text ends before it does.
    package var texts: [String?]

    package init(title: String?, texts: [String?]) {
        self.title = title
        self.texts = texts
    }

    /// - Parameter ranges: In Unicode scalars.
    package init(_ document: DocumentText, at ranges: [Range<Int>]) {
        self.init(title: document.title, texts: TextParts.parts(of: Data(document.text.utf8), at: ranges))
    }
}
