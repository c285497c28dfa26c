import Foundation
import Testing

/// Request bodies on their way to a model.
@Suite(.serialized, .timeLimit(.minutes(1))) struct UploadTests {
    private static let slow = 200
    private static let piece = String(repeating: "x", count: 20_000)

    @Test func SlowUploadsKeepNoPlaceFromAFastOne() async throws {
        let source = """
            class One(LitAPI):
                def predict(self, x):
                    return 1
            """
        try await withApp(source, "queue: {length: 0}") { martlet, _ in
            var clients: [Client] = []
            for _ in 0..<Self.slow {
                let client = try await martlet.connect()
                let head = ["POST /predict HTTP/1.1", "Host: a", "Content-Length: 1000000"].joined(separator: "\r\n")
                try await client.send(head + "\r\n\r\n" + Self.piece)
                clients.append(client)
            }
            try await until("their bytes to be counted") {
                try await martlet.status().buffered.bytes == Self.slow * Self.piece.utf8.count
            }
            #expect(try await martlet.requestsInHand() == 0)
            let (answer, time) = try await timed { try await martlet.predict() }
            answer.expect(200)
            #expect(time < .seconds(1), "\(time)")
            for client in clients { await client.close() }
            try await until("their bytes to be given back") { try await martlet.status().buffered.bytes == 0 }
        }
    }

    @Test func ABodyCountsUntilItsRequestIsOver() async throws {
        let source = """
            class Two(LitAPI):
                concurrent = 2

                def predict(self, x):
                    held("gate")
                    return len(x)
            """
        let body = "\"" + String(repeating: "y", count: 400_000) + "\""
        try await withApp(source, more: "limits: {buffered: 1MiB}\n") { martlet, app in
            let first = try await martlet.begin(body)
            let second = try await martlet.begin(body)
            try await martlet.awaitInHand(2)
            #expect(try await martlet.status().buffered.bytes == 2 * body.utf8.count)
            try await martlet.predict(body).expect(503, "overloaded")
            await second.close()
            try await until("one to be let go") {
                try await martlet.status().buffered.bytes == body.utf8.count
            }
            try app.open("gate")
            #expect(try await first.answer(to: "POST").body == "400000")
            await first.close()
            #expect(try await martlet.status().buffered.bytes == 0)
        }
    }

    /// A form with a file that is long enough to lie on disk.
    private static func form(_ how: String) -> String {
        let head = "--xx\r\nContent-Disposition: form-data; name="
        return head + "\"how\"\r\n\r\n\(how)\r\n" + head + "\"image\"; filename=\"a.png\"\r\n"
            + "Content-Type: image/png\r\n\r\n" + String(repeating: "p", count: 1_200_000) + "\r\n--xx--\r\n"
    }

    @Test func OfFiveHundredUploadedFilesNoneStaysOpenThoughHalfOfTheClientsLeave() async throws {
        let source = """
            class Image(LitAPI):
                def decode_request(self, request):
                    if request["how"] == "wrong":
                        raise HTTPException(422, "no")
                    return request["how"], request["image"]

                def predict(self, x):
                    how, image = x
                    assert len(image.read()) == 1_200_000
                    if how == "fails":
                        raise ValueError("no")
                    return [image.filename, image.content_type, image.size]
            """
        let type = "Content-Type: multipart/form-data; boundary=xx"
        let outcomes = ["good": 200, "wrong": 422, "fails": 500]
        try await withApp(source, "max_batch: 1") { martlet, _ in
            func upload(_ how: String) async throws -> Answer {
                try await martlet.ask(
                    "POST", "/predict", headers: [type], body: Self.form(how), within: .seconds(20))
            }
            #expect(try await upload("good").body == #"["a.png","image/png",1200000]"#)
            let worker = try #require(try await martlet.backend().pid)
            let before = try ProcessFiles.links(of: worker).count
            for round in 0..<25 {
                try await withThrowingTaskGroup { group in
                    for number in 0..<20 {
                        let how = ["good", "wrong", "fails"][(round + number) % 3]
                        group.addTask {
                            guard number % 2 == 0 else {
                                let client = try await martlet.connect()
                                try await client.send(
                                    Client.request("POST", "/predict", headers: [type], body: Self.form(how)))
                                return try await client.reset()
                            }
                            #expect(try await upload(how).status == outcomes[how])
                        }
                    }
                    try await group.waitForAll()
                }
            }
            #expect(try await upload("good").status == 200)
            #expect(try await martlet.backend().pid == worker)
            try await until("its files to be closed") { try ProcessFiles.links(of: worker).count == before }
        }
    }
}
