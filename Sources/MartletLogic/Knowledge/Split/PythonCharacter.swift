/// What Python 3 says of a character, as far as splitters ask.
enum PythonCharacter {
    /// `str.isspace`, `\s`, and what `str.strip` takes away.
    static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09...0x0d, 0x1c...0x20, 0x85, 0xa0, 0x1680, 0x2000...0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000: true
        default: false
        }
    }

    /// `str.isalpha`.
    static func isAlphabetic(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }

    /// `str.isnumeric`.
    static func isNumeric(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.numericType != nil
    }

    /// `\w`.
    static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || isAlphabetic(scalar) || isNumeric(scalar)
    }
}
