/// What is to be done about a folder that is looked at again and again. No I/O.
///
/// A file is read once two looks in a row found it the same: whoever writes it is done. It is gone once two looks in a
/// row missed it: some programs write a file by removing it first.
struct FolderWatch {
    /// What follows from a look, by name.
    struct Step: Equatable {
        var read: [String] = []
        var gone: [String] = []
    }

    private var last: [String: FileMark] = [:]
    /// As they were when they were read.
    private var known: [String: FileMark] = [:]
    private var missed: Set<String> = []

    /// - Parameters:
    ///   - files: Those in the folder.
    ///   - isWhole: Whether they are all; false: none is taken for gone.
    mutating func look(_ files: [String: FileMark], isWhole: Bool = true) -> Step {
        let settled = files.filter { last[$0.key] == $0.value && known[$0.key] != $0.value }
        let missing = isWhole ? Set(known.keys.filter { files[$0] == nil }) : []
        let gone = missing.intersection(missed)
        for (name, mark) in settled { known[name] = mark }
        for name in gone { known[name] = nil }
        (last, missed) = (files, missing.subtracting(gone))
        return Step(read: settled.keys.sorted(), gone: gone.sorted())
    }

    /// What the step named could not be done, for a reason that passes: it comes again.
    mutating func again(_ name: String) {
        if last[name] != nil {
            known[name] = nil
        } else {
            // As a file that was missed once.
            known[name] = FileMark(bytes: 0, modified: 0)
            missed.insert(name)
        }
    }
}
