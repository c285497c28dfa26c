/// Why a tool could not begin, in words for the person who started it.
package struct ToolError: Error, CustomStringConvertible {
    package let description: String
}
