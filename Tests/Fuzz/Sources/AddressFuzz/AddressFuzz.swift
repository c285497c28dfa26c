public import FuzzDriver
import MartletNet
import NIOCore

/// Addresses and URLs: a URL reads back as it is printed, holds nothing that could leave its line, and a block of
/// addresses holds the address it was written with.
@_cdecl("fuzz")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: data, count: size), as: UTF8.self)
    url(text)
    url("http://" + text)
    block(text)
    if let address = SocketAddress.literal(text, port: 80) {
        precondition(address.port == 80 && address.ipAddress != nil, "an address without its parts")
        precondition(AddressRange(text: text)?.contains(address) == true, "not in the block of itself")
    }
    return 0
}

@_cdecl("AddressFuzz_main")
public func start(_ count: CInt, _ arguments: Arguments) -> CInt {
    runFuzzer(count, arguments, fuzz)
}

private func url(_ text: String) {
    do throws(HTTPURLError) {
        let url = try HTTPURL(text)
        let again = try HTTPURL(url.description)
        precondition(again == url, "\(url) reads otherwise")
        precondition(url.description.utf8.allSatisfy { 0x21...0x7e ~= $0 }, "a URL of more than visible ASCII")
        precondition(url.path.hasPrefix("/") && !url.origin.host.isEmpty && 1...65535 ~= url.origin.port, "parts")
    } catch {
        precondition(!error.reason.isEmpty, "refused without a word")
    }
}

private func block(_ text: String) {
    guard let range = AddressRange(text: text) else { return }
    let literal = text.split(separator: "/", omittingEmptySubsequences: false).first.map(String.init) ?? ""
    guard let address = SocketAddress.literal(literal, port: 0) else { fatalError("a block without an address") }
    // An IPv4 address written as IPv6, with a length that reaches beyond IPv4, is a block of IPv6 addresses.
    let isMapped = literal.contains(":") && AddressRange(text: "0.0.0.0/0")?.contains(address) == true
    precondition(range.contains(address) || isMapped, "\(text) does not hold its own address")
}
