/// What reading one file may cost. What would cost more is one clear error.
package struct ReadingLimits: Sendable {
    /// Of a file on disk.
    package var fileBytes = 512 << 20
    /// Of the text that comes out, in UTF-8.
    package var textBytes = 256 << 20
    /// Of what has to be in memory as a whole: HTML, JSON, and the parts of an archive that list others.
    package var wholeBytes = 64 << 20
    /// Entries of an archive.
    package var archiveEntries = 20_000
    /// Of all entries of an archive that are read, unpacked.
    package var unpackedBytes = 1 << 30
    /// How many times larger than its packed bytes an entry may be that unpacks to more than a megabyte. Real sheets
    /// reach a hundred; a bomb needs a thousand.
    package var unpackingRatio = 400
    /// Elements within elements.
    package var depth = 256
    /// Of HTML, where many a page leaves its elements open.
    package var pageDepth = 2048
    /// From when its turn comes until its text is there.
    package var time = Duration.seconds(120)
    /// Processor time of the program that reads a PDF.
    package var childSeconds = 60
    /// Address space of the program that reads a PDF.
    package var childBytes = 2 << 30

    package init() {}
}
