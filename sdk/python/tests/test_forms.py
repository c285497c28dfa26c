import unittest

import fake_host  # noqa: F401  (finds the SDK)

from martlet import forms
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
