import json
import os
import unittest

from fake_host import FakeHost

from martlet import forms, frames
from martlet.errors import HTTPException


def multipart(*parts: bytes) -> bytes:
    return b"".join(b"--xx\r\n" + part + b"\r\n" for part in parts) + b"--xx--\r\n"


class FormTests(unittest.TestCase):
    def test_fields_and_files_of_a_multipart_form(self):
        body = multipart(
            b'Content-Disposition: form-data; name="a"\r\n\r\none\r\ntwo',
            b'Content-Disposition: form-data; name="f"; filename="x\\"y.bin"\r\n'
            b"Content-Type: image/png\r\n\r\n\x00\x01",
        )
        form = forms.Form(list(forms.parts(body, b"xx")))
        self.assertEqual(form["a"], "one\r\ntwo")
        self.assertEqual((form["f"].filename, form["f"].content_type, form["f"].size), ('x"y.bin', "image/png", 2))
        self.assertEqual(form["f"].read(), b"\x00\x01")
        form.close()
        self.assertTrue(form["f"].file.closed)

    def test_a_form_that_is_cut_off_is_refused(self):
        whole = multipart(b'Content-Disposition: form-data; name="a"\r\n\r\n1')
        for end in range(len(whole) - 4):
            with self.assertRaises(HTTPException) as raised:
                list(forms.parts(whole[:end], b"xx"))
            self.assertEqual(raised.exception.status_code, 400)

    def test_a_preamble_and_parts_without_a_name_are_passed_over(self):
        body = b"preamble\r\n" + multipart(b"\r\nno head", b"", b'Content-Disposition: form-data; name="a"\r\n\r\n')
        self.assertEqual(forms.multipart(body, b"xx").multi_items(), [("a", "")])

    def test_parts_are_bounded_in_number_and_length_and_no_file_is_left_open(self):
        file = b'Content-Disposition: form-data; name="f"; filename="x"\r\n\r\n' + bytes(forms.SPOOL_BYTES + 1)
        field = b'Content-Disposition: form-data; name="a"\r\n\r\n'
        self.assertEqual(len(forms.multipart(multipart(*[field] * forms.MAX_PARTS), b"xx").multi_items()), 1000)
        before = len(os.listdir("/proc/self/fd"))
        for wrong in (
            multipart(file, *[field] * forms.MAX_PARTS),
            multipart(file, field + b"x" * (forms.MAX_FIELD_BYTES + 1)),
            multipart(file, b"X: " + b"y" * forms.MAX_HEAD_BYTES + b"\r\n" + field),
        ):
            with self.assertRaises(HTTPException) as raised:
                forms.multipart(wrong, b"xx")
            self.assertEqual(raised.exception.status_code, 413)
            self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_files_are_closed_however_the_request_ends(self):
        source = """
            import json, os, time
            from martlet import HTTPException, LitAPI

            class Files(LitAPI):
                stream = STREAM
                kept = []

                def decode_request(self, request):
                    self.kept.append(request["f"])
                    if request["how"] == "decode":
                        raise HTTPException(418, "no")
                    return request["how"], request["f"]

                def predict(self, x):
                    return self.steps(*x) if self.stream else next(self.steps(*x))

                def steps(self, how, file):
                    assert file.size == 2_000_000 and file.read(3) == b"abc"
                    assert (file.filename, file.content_type) == ("a b.png", "image/png")
                    if how == "predict":
                        raise ValueError("no")
                    paths = [f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd")]
                    links = [os.readlink(path) for path in paths if os.path.lexists(path)]
                    closed = [file.file.closed for file in self.kept]
                    yield json.dumps([sum("(deleted)" in link for link in links), closed])

                def encode_response(self, output):
                    return output if self.stream else json.loads(output)
            """
        stream = source.replace("STREAM", "True")
        source = source.replace("STREAM", "False")
        for text in (source, stream):
            with FakeHost(text) as host:
                for how in (b"decode", b"predict", b"fine", b"count"):
                    body = multipart(
                        b'Content-Disposition: form-data; name="how"\r\n\r\n' + how,
                        b'Content-Disposition: form-data; name="f"; filename="a b.png"\r\n'
                        b"Content-Type: image/png\r\n\r\nabc" + bytes(1_999_997),
                    )
                    id = host.execute(body=body, type="multipart/form-data; boundary=xx")
                    chunks = []
                    while True:
                        got = host.take(frames.RESULT, frames.ERROR, frames.CHUNK)
                        chunks.append(got.body)
                        if got.type != frames.CHUNK or got.flags & frames.LAST:
                            break
                    self.assertEqual(got.id, id, got)
                # The one that is being served is open.
                self.assertEqual(json.loads(b"".join(chunks)), [1, [True, True, True, False]])

    def test_other_media_types_reach_the_model_as_bytes(self):
        source = """
            from martlet import LitAPI

            class Raw(LitAPI):
                def predict(self, x):
                    return [type(x).__name__, len(x)]
            """
        with FakeHost(source) as host:
            for type in ("image/png", "application/octet-stream", "audio/wav; rate=8000", "text/plain"):
                self.assertEqual(host.result(body=b"\x89PNG\xff\x00", type=type), ["bytes", 6])

    def test_a_large_file_part_lies_on_disk(self):
        upload = forms.Upload("x", "y", bytes(forms.SPOOL_BYTES + 1))
        self.assertTrue(upload.file._rolled)
        upload.close()

    def test_media_types_and_their_parameters(self):
        self.assertEqual(forms.media_type("Text/Plain"), ("text/plain", {}))
        self.assertEqual(
            forms.media_type('multipart/form-data; boundary="a;b" ; charset=utf-8'),
            ("multipart/form-data", {"boundary": "a;b", "charset": "utf-8"}),
        )
