import Foundation
@testable import Martlet
import MartletBase
import MartletExchange
import MartletWire
import NIOCore
import Testing


@Suite struct ModelCallTests {
    private func call(args: String = "[]", kwargs: String = "{}") throws -> ModelCall {
        let body = Data("[\(args), \(kwargs), {}]".utf8).base64EncodedString()
        let message = """
            {"body": "\(body)", "content-encoding": "utf-8", "content-type": "application/json",
             "headers": {"task": "martlet.request", "id": "t1"},
             "properties": {"delivery_tag": "d", "body_encoding": "base64",
                            "delivery_info": {"exchange": "", "routing_key": "celery"}}}
            """
        return try ModelCall(try TaskMessage(Array(message.utf8)))
    }

    @Test("path, query, method, headers and body are those of the task; the priority is background")
    func whole() throws {
        let call = try call(
            kwargs: #"{"method": "PUT", "path": "/v1/x?a=1", "headers": {"X-A": "b"}, "body": {"model": "m", "n": 1.0}}"#)
        let request = call.request(key: Secret("k"), deadline: .never)
        #expect(call.path == "/v1/x" && request.path == "/v1/x" && request.query == "a=1" && request.method == .put)
        #expect(request.headers.value(named: "x-a") == "b" && request.headers.value(named: "x-api-key") == "k")
        #expect(request.headers.value(.contentType) == "application/json")
        #expect(String(buffer: request.body) == #"{"model": "m", "n": 1.0}"#)
        #expect(request.priority == .background)
    }

    @Test("what only a connection or a proxy may say is not the task's to say")
    func dropped() throws {
        let request = try call(
            kwargs: #"{"path": "/p", "headers": {"X-Forwarded-For": "10.0.0.1", "X-API-Key": "no", "Host": "h", "X-A": "b"}}"#
        ).request(key: Secret("k"), deadline: .never)
        #expect(request.headers.fields.map { request.headers.name($0) } == ["X-A", "X-API-Key"])
        #expect(request.headers.value(.xAPIKey) == "k")
    }

    @Test("by place the path and a JSON body; without a method it is a POST")
    func short() throws {
        let request = try call(args: #"["/v1/chat/completions", {"model": "m"}]"#).request(key: nil, deadline: .never)
        #expect(request.method == .post && String(buffer: request.body) == #"{"model": "m"}"#)
    }

    @Test("a body may be text or bytes, of the type that the headers say")
    func otherBodies() throws {
        let text = try call(kwargs: #"{"path": "/p", "headers": {"Content-Type": "text/csv"}, "body_text": "a,b"}"#)
            .request(key: nil, deadline: .never)
        #expect(String(buffer: text.body) == "a,b" && text.headers.value(.contentType) == "text/csv")
        let bytes = try call(kwargs: #"{"path": "/p", "body_base64": "AP8="}"#).request(key: nil, deadline: .never)
        #expect(Array(bytes.body.readableBytesView) == [0, 255])
    }

    @Test(
        "what is no request is a failure that says so",
        arguments: [
            "{}", #"{"path": "v1"}"#, #"{"path": "/p", "method": "BREW"}"#, #"{"path": "/p", "body_base64": "?"}"#,
            #"{"path": "/p", "headers": {"a b": "c"}}"#, #"{"path": "/p", "headers": {"a": "b\r\nc: d"}}"#,
            #"{"path": "/p", "headers": {"a": 1}}"#,
        ])
    func refused(kwargs: String) {
        #expect(throws: TaskFailure.self) { try call(kwargs: kwargs) }
    }
}
