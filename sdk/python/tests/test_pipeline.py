import unittest

from fake_host import FakeHost, frames

from martlet import LitAPI, LitServer, OpenAISpec, Pipeline

SOURCE = """
    import martlet
    class Prepare(martlet.LitAPI):
        def predict(self, x):
            made = {"bytes": b"\\x00\\xff", "object": object(), "nan": float("nan")}
            return made.get(x, x) if isinstance(x, str) else x
    class Model(martlet.LitAPI):
        def predict(self, xs):
            return [[x.decode("latin-1") if isinstance(x, bytes) else x, "seen"] for x in xs]
    prepare, model = Prepare(), Model(max_batch_size=4)
    served = martlet.Pipeline([prepare, model], "/p", workers_per_device=[4, 1], accelerator=["cpu", "cuda"],
                              devices=["auto", [0, 2]])
"""


class Streams(LitAPI):
    stream = True


class PipelineTests(unittest.TestCase):
    def test_stages_are_described_each_with_the_one_after_it(self):
        with FakeHost(SOURCE, purpose="describe") as host:
            first, second = host.ready.meta["apis"]
        self.assertEqual([first["path"], first["then"]], ["/p", "/p#2"])
        self.assertEqual([second["path"], second["then"]], ["/p#2", None])
        self.assertEqual([first["workers_per_device"], second["workers_per_device"]], [4, 1])
        self.assertEqual([first["devices"], second["devices"]], [["cpu"], ["cuda:0", "cuda:2"]])
        self.assertEqual([first["max_batch"], second["max_batch"]], [1, 4])

    def test_a_stage_passes_plain_values_and_bytes_on(self):
        with FakeHost(SOURCE, api="/p") as host:
            for value in ({"a": [1, None, "ä"]}, [], "text", 1.5):
                self.assertEqual(host.result(value), value)
            host.execute("bytes")
            got = host.take(frames.RESULT)
            self.assertEqual([got.meta["type"], got.body], ["application/octet-stream", b"\x00\xff"])

    def test_what_cannot_travel_fails_with_what_to_return(self):
        with FakeHost(SOURCE, api="/p") as host:
            for value in ("object", "nan"):
                host.execute(value)
                got = host.take(frames.ERROR)
                self.assertEqual(got.json(), {"detail": "Internal server error"})
                self.assertIn("must return bytes, or dict", got.meta["message"])
                self.assertIn("must return bytes, or dict", host.logs[-1]["message"])

    def test_a_later_stage_gets_the_value_or_the_bytes(self):
        with FakeHost(SOURCE, api="/p#2") as host:
            self.assertEqual(host.result({"a": 1}), [{"a": 1}, "seen"])
            self.assertEqual(host.result(body=b"\x00\xff", type="application/octet-stream"), ["\x00\xff", "seen"])

    def test_what_makes_no_pipeline_is_refused(self):
        used = LitAPI()
        Pipeline([used])
        for stages in ([], [Streams(), LitAPI()], [LitAPI(spec=OpenAISpec())], [object()], [used], [LitAPI] * 2):
            with self.assertRaises(ValueError):
                Pipeline(stages)
        with self.assertRaises(ValueError):
            Pipeline([LitAPI()], workers_per_device=[1, 2])
        with self.assertRaises(ValueError):
            Pipeline([LitAPI()], api_path="/all/*")

    def test_a_server_has_pipelines_beside_apis(self):
        pipeline = Pipeline([LitAPI(), Streams()], "/p", workers_per_device=[None, 3])
        server = LitServer([LitAPI(api_path="/a"), pipeline], workers_per_device={"/a": 5}, accelerator="cpu")
        self.assertEqual([api.api_path for api in server.apis], ["/a", "/p", "/p#2"])
        self.assertEqual([server.workers_of(api) for api in server.apis], [5, 1, 3])
        self.assertEqual(server.settings()["info"]["server"]["stream"], {"/a": False, "/p": True})
        with self.assertRaises(ValueError):
            LitServer([LitAPI(api_path="/p"), Pipeline([LitAPI()], "/p")])

    def test_settings_that_would_be_the_stages_own_are_refused_beside_a_pipeline(self):
        refused = {
            "max_batch_size": 8,
            "batch_timeout": 0.01,
            "stream": True,
            "api_path": "/b",
            "spec": OpenAISpec(),
            "loop": object(),
            "devices": 2,
        }
        cases = [*refused.items(), *(("workers_per_device", one) for one in (4, [2, 2], {"/p": 4}))]
        for name, value in cases:
            first, last = LitAPI(), LitAPI()
            with self.subTest(name, value=value), self.assertRaisesRegex(ValueError, f"^{name} cannot stand beside"):
                LitServer([LitAPI(api_path="/a"), Pipeline([first, last], "/p")], **{name: value})
            self.assertEqual([first.max_batch_size, first.stream, first.api_path], [1, False, "/p"])
        LitServer(Pipeline([LitAPI()]), accelerator="cpu", timeout=5)

    def test_devices_of_a_server_hold_beside_a_pipeline_whose_stages_all_have_their_own(self):
        alone = LitAPI(api_path="/a")
        own = Pipeline([LitAPI(), LitAPI()], "/p", accelerator=["cpu", "cuda"], devices=[1, [3]])
        server = LitServer([alone, own], accelerator="cuda", devices=[0, 1])
        devices = [server.devices_of(api) for api in server.apis]
        self.assertEqual(devices, [["cuda:0", "cuda:1"], ["cpu"], ["cuda:3"]])
        half = Pipeline([LitAPI(), LitAPI()], "/p", devices=["auto", None])
        way = "for other APIs, workers_per_device as a map by path"
        with self.assertRaisesRegex(ValueError, f"^devices cannot .*{way}"):
            LitServer([LitAPI(api_path="/a"), half], devices=2)


if __name__ == "__main__":
    unittest.main()
