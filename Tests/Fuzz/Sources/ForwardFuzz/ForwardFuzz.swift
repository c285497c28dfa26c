public import FuzzDriver
import MartletGateway
import MartletNet
import NIOCore

/// What a trusted proxy says of the client: each line of the input is a field of `X-Forwarded-For`. The chain ends in
/// the proxy and stays one value, and nobody becomes the client whom the proxies did not see.
@_cdecl("fuzz")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: data, count: size), as: UTF8.self)
    let stated = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    chain(stated, named: nil)
    chain([], named: stated.first)
    return 0
}

@_cdecl("ForwardFuzz_main")
public func start(_ count: CInt, _ arguments: Arguments) -> CInt {
    runFuzzer(count, arguments, fuzz)
}

private let proxy = "198.51.100.7"
private let trusted = [AddressRange(text: "198.51.100.0/24"), AddressRange(text: "fd00::/8")].compactMap { $0 }

private func chain(_ stated: [String], named: String?) {
    let chain = ForwardedChain(stated: stated, named: named, address: proxy, trusted: trusted)
    // Bytes: some marks make one character with the comma behind them.
    let end = (", " + proxy).utf8
    let endsInProxy = chain.text == proxy || chain.text.utf8.suffix(end.count).elementsEqual(end)
    precondition(endsInProxy, "the chain does not end in the proxy")
    precondition(chain.stranger == nil || chain.stranger == chain.client, "two clients")
    if let named {
        precondition(chain.client == proxy || named.contains(chain.client), "not the one that is named")
        precondition(SocketAddress.literal(chain.client, port: 0) != nil, "what is named is no address")
        return
    }
    // Once more as the next proxy of ours would say it: the same client.
    let next = ForwardedChain(stated: [chain.text], named: nil, address: "198.51.100.8", trusted: trusted)
    precondition(next.stranger == chain.stranger, "the next one believes otherwise")
    // A claim in front changes nothing where a stranger was seen.
    guard chain.stranger != nil else { return }
    let forged = ForwardedChain(stated: ["203.0.113.9"] + stated, named: nil, address: proxy, trusted: trusted)
    precondition(forged.client == chain.client, "a claim was believed")
}
