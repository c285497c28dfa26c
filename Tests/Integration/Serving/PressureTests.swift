import Foundation
import MartletTools
import NIOCore
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// More requests than the workers take, and readers that do not read.
@Suite(.serialized, .timeLimit(.minutes(1))) struct PressureTests {
    @Test func WhenTheQueueIsFullOthersAreToldWhenToComeBack() async throws {
        let source = """
            class One(LitAPI):
                def predict(self, x):
                    held("gate")
                    return 1
            """
        try await withApp(source, "queue: {length: 2}") { martlet, app in
            var clients: [Client] = []
            // One is computed, one waits in the group, two in the queue.
            for number in 1...4 {
                clients.append(try await martlet.begin())
                try await martlet.awaitInHand(number)
            }
            let answer = try await martlet.predict().expect(503, "queue_full")
            #expect((answer.header("retry-after").flatMap { Int($0) } ?? 0) >= 1)
            try app.open("gate")
            for client in clients {
                #expect(try await client.answer(to: "POST").status == 200)
                await client.close()
            }
        }
    }

    @Test func WhatItsCallerSaysIsUrgentOvertakesThoseWhoWaitInTheGroup() async throws {
        let source = """
            class Two(LitAPI):
                max_batch_size = 2

                def decode_request(self, request):
                    return request["n"]

                def predict(self, numbers):
                    held("gate")
                    note(*numbers)
                    return numbers
            """
        try await withApp(source) { martlet, app in
            var clients: [Client] = []
            for (number, name) in ["interactive", "background", "batch", "interactive"].enumerated() {
                let headers = ["X-Request-Priority: \(name)"]
                clients.append(try await martlet.begin(#"{"n": \#(number)}"#, headers: headers))
                try await martlet.awaitInHand(clients.count)
            }
            try await until("three to wait in the group", explain: { try await martlet.metrics().text }) {
                try await martlet.metrics().sum("martlet_worker_requests", ["pool": "m", "state": "waiting"]) == 3
            }
            try app.open("gate")
            for (number, client) in clients.enumerated() {
                #expect(try await client.answer(to: "POST").expect(200).body == "\(number)")
                await client.close()
            }
            #expect(app.notes == ["0", "3 2", "1"])
        }
    }

    @Test func OneWhoDoesNotReadStallsItsOwnGeneratorAlone() async throws {
        let source = """
            class Long(LitAPI):
                stream = True
                concurrent = 4

                def decode_request(self, request):
                    return request["n"]

                def predict(self, n):
                    for step in range(1000):
                        if n == 0:
                            note("step", step)
                        yield b"0123456789abcdef" * 2048
            """
        try await withApp(source) { martlet, app in
            let slow = try await Peer.connect(martlet.publicPort, reads: false, sendsToTheEnd: true)
            try await slow.send(Client.request("POST", "/predict", body: #"{"n": 0}"#))
            try await app.awaitNote("step 0")
            let memory = try martlet.residentBytes()
            for number in 1...2 {
                let quick = try await martlet.peer(sendsToTheEnd: true)
                try await quick.send(Client.request("POST", "/predict", body: #"{"n": \#(number)}"#))
                #expect(try await quick.receive(.ending("\r\n0\r\n\r\n")).bytes.readableBytes > 1000 << 15)
                await quick.close()
            }
            // 32 MB would be all of it; sockets and credit hold some.
            #expect(app.notes.count < 600, "\(app.notes.count)")
            #expect(try martlet.residentBytes() < memory + 16 << 20)
            try await slow.setReading(true)
            #expect(try await slow.receive(.ending("\r\n0\r\n\r\n")).bytes.readableBytes > 1000 << 15)
            await slow.close()
        }
    }

    @Test func TenThousandPiecesOfOneStreamArriveInOrder() async throws {
        let source = """
            class Counts(LitAPI):
                stream = True

                def predict(self, x):
                    for step in range(10_000):
                        yield f"{step} "
            """
        try await withApp(source) { martlet, _ in
            let answer = try await martlet.predict()
            #expect(answer.body == (0..<10_000).map { "\($0) " }.joined())
        }
    }
}
